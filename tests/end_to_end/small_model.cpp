#include "small_model.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"
#include "video/text/umt5_encoder.h"
#include "video/vae/wan_vae.h"

namespace radial::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeights = "diffusion_pytorch_model.safetensors";

constexpr const char* kTransformerConfig = R"({
  "_class_name": "WanTransformer3DModel", "num_attention_heads": 1, "attention_head_dim": 16,
  "in_channels": 4, "out_channels": 4, "text_dim": 24, "text_len": 160, "freq_dim": 24,
  "ffn_dim": 32, "num_layers": 2})";

constexpr const char* kVaeConfig = R"({
  "_class_name": "AutoencoderKLWan", "base_dim": 4, "z_dim": 4, "dim_mult": [1, 2],
  "num_res_blocks": 1, "temperal_downsample": [true],
  "latents_mean": [0.1, -0.2, 0.3, 0], "latents_std": [1.5, 0.7, 2, 1]})";

constexpr const char* kSchedulerConfig = R"({"flow_shift": 3})";

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

// Random values for all that a model of `config` asks for.
template <class Model, class Config>
void write_weights(const fs::path& path, const Config& config) {
  video::ShapeSource shapes(at::kFloat);
  const Model asks(config, shapes);
  at::Generator generator = at::detail::createCPUGenerator(7);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, shape] : shapes.shapes()) {
    tensors[name] = at::randn(shape, generator, at::kFloat) * 0.3;
  }
  video::save_tensors(path, tensors);
}

void write_transformer_and_vae(const fs::path& folder, const std::string& transformer,
                               const std::string& vae) {
  write_text(folder / "transformer/config.json", transformer);
  write_text(folder / "vae/config.json", vae);
  write_text(folder / "scheduler/scheduler_config.json", kSchedulerConfig);
  write_weights<video::WanTransformer>(folder / "transformer" / kWeights,
                                       video::parse_wan_config(transformer, "test"));
  write_weights<video::WanVae>(folder / "vae" / kWeights, video::parse_wan_vae_config(vae, "test"));
}

}  // namespace

void write_small_model(const fs::path& folder) {
  write_transformer_and_vae(folder, kTransformerConfig, kVaeConfig);
  const fs::path text = fs::path(RADIAL_PARITY_DATA) / "umt5_small";
  for (const char* part : {"text_encoder", "tokenizer"}) fs::copy(text / part, folder / part);
}

void write_large_model(const fs::path& folder) {
  write_transformer_and_vae(folder, R"({
    "_class_name": "WanTransformer3DModel", "num_attention_heads": 8, "attention_head_dim": 64,
    "in_channels": 4, "out_channels": 4, "text_dim": 24, "text_len": 160, "freq_dim": 24,
    "ffn_dim": 1024, "num_layers": 4})",
                            R"({
    "_class_name": "AutoencoderKLWan", "base_dim": 48, "z_dim": 4, "dim_mult": [1, 4],
    "num_res_blocks": 1, "temperal_downsample": [true],
    "latents_mean": [0.1, -0.2, 0.3, 0], "latents_std": [1.5, 0.7, 2, 1]})");
  const fs::path text = fs::path(RADIAL_PARITY_DATA) / "umt5_small";
  fs::copy(text / "tokenizer", folder / "tokenizer");
  auto config = nlohmann::json::parse(std::ifstream(text / "text_encoder/config.json"));
  config["d_ff"] = 70'000;
  write_text(folder / "text_encoder/config.json", config.dump());
  write_weights<video::Umt5Encoder>(folder / "text_encoder/model.safetensors",
                                    video::parse_umt5_config(config.dump(), "test"));
}

SmallModelTest::SmallModelTest() { write_small_model(folder_.path() / "model"); }

std::vector<std::string> SmallModelTest::generate(const std::string& arguments) const {
  std::vector<std::string> all = words("generate --model model");
  const std::vector<std::string> own = words(arguments);
  const auto has = [&](const char* option) { return std::ranges::count(own, option) > 0; };
  const auto add = [&](const std::string& more) {
    for (const std::string& word : words(more)) all.push_back(word);
  };
  if (!has("--size")) add("--size 32x32");
  if (!has("--num-frames")) add("--num-frames 13");
  if (!has("--steps") && !has("--config")) add("--steps 4");
  if (!has("--prompts-file") && !has("--prompt")) {
    all.insert(all.end(), {"--prompt", "a fox"});
  }
  if (!has("--output")) add("--output x.png");
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

CommandResult SmallModelTest::run(const std::string& arguments) const {
  return run_radial(generate(arguments), folder_.path());
}

fs::path SmallModelTest::weights(const std::string& part) const {
  return folder_.path() / "model" / part / kWeights;
}

std::vector<std::string> SmallModelTest::written() const {
  std::vector<std::string> names = folder_.names();
  std::erase(names, "model");
  return names;
}

}  // namespace radial::test
