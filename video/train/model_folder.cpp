#include "video/train/model_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/json_text.h"
#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"
#include "video/pipeline/wan_files.h"
#include "video/text/text_files.h"
#include "video/text/umt5_encoder.h"
#include "video/train/run_folder.h"
#include "video/vae/wan_vae.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kDiffusersWeights = "diffusion_pytorch_model.safetensors";

json config_json(const WanConfig& config) {
  json made{{"_class_name", "WanTransformer3DModel"},
            {"patch_size", config.patch_size},
            {"num_attention_heads", config.num_attention_heads},
            {"attention_head_dim", config.attention_head_dim},
            {"in_channels", config.in_channels},
            {"out_channels", config.out_channels},
            {"text_dim", config.text_dim},
            {"freq_dim", config.freq_dim},
            {"ffn_dim", config.ffn_dim},
            {"num_layers", config.num_layers},
            {"cross_attn_norm", config.cross_attn_norm},
            {"qk_norm", config.qk_norm ? json("rms_norm_across_heads") : json()},
            {"eps", config.eps},
            {"rope_max_seq_len", config.rope_max_seq_len}};
  if (config.text_len != WanConfig().text_len) made["text_len"] = config.text_len;
  return made;
}

json config_json(const Umt5Config& config) {
  return {{"architectures", {"UMT5EncoderModel"}},
          {"model_type", "umt5"},
          {"feed_forward_proj", "gated-gelu"},
          {"vocab_size", config.vocab_size},
          {"d_model", config.d_model},
          {"d_kv", config.d_kv},
          {"d_ff", config.d_ff},
          {"num_layers", config.num_layers},
          {"num_heads", config.num_heads},
          {"relative_attention_num_buckets", config.relative_attention_num_buckets},
          {"relative_attention_max_distance", config.relative_attention_max_distance},
          {"layer_norm_epsilon", config.layer_norm_epsilon}};
}

json config_json(const WanVaeConfig& config) {
  return {{"_class_name", "AutoencoderKLWan"},
          {"base_dim", config.base_dim},
          {"decoder_base_dim", config.decoder_base_dim},
          {"z_dim", config.z_dim},
          {"in_channels", config.in_channels},
          {"out_channels", config.out_channels},
          {"dim_mult", config.dim_mult},
          {"num_res_blocks", config.num_res_blocks},
          {"temperal_downsample", config.temporal_downsample},  // spelled so by diffusers
          {"latents_mean", config.latents_mean},
          {"latents_std", config.latents_std}};
}

json scheduler_json(double flow_shift) {
  return {{"_class_name", "UniPCMultistepScheduler"},
          {"prediction_type", "flow_prediction"},
          {"use_flow_sigmas", true},
          {"num_train_timesteps", 1000},
          {"flow_shift", flow_shift}};
}

json index_json() {
  return {{"_class_name", "WanPipeline"},
          {"scheduler", {"diffusers", "UniPCMultistepScheduler"}},
          {"text_encoder", {"transformers", "UMT5EncoderModel"}},
          {"tokenizer", {"transformers", "T5Tokenizer"}},
          {"transformer", {"diffusers", "WanTransformer3DModel"}},
          {"vae", {"diffusers", "AutoencoderKLWan"}}};
}

void write_json(const fs::path& path, const json& value) {
  fs::create_directories(path.parent_path());
  write_text_file(path, value.dump(2) + '\n');
}

// The names of the tensors of each file, in order, none larger than `most` unless a single tensor
// is.
std::vector<std::vector<std::string>> shards_of(const NamedTensors& weights, std::int64_t most) {
  std::vector<std::vector<std::string>> shards(1);
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : weights) {
    const auto more = static_cast<std::int64_t>(tensor.nbytes());
    if (most > 0 && bytes + more > most && !shards.back().empty()) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back().push_back(name);
    bytes += more;
  }
  return shards;
}

// `path` is that of a single file.
void write_weights(const fs::path& path, const NamedTensors& weights,
                   const ModelFolderOptions& options, const NamedTensors& as_they_are = {}) {
  NamedTensors cast = as_they_are;
  for (const auto& [name, tensor] : weights) cast.emplace(name, tensor.detach().to(options.dtype));
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : cast) bytes += static_cast<std::int64_t>(tensor.nbytes());
  const std::map<std::string, std::string> metadata{{"format", "pt"}};
  const auto shards = shards_of(cast, options.max_shard_bytes);
  if (shards.size() == 1) {
    save_tensors(path, cast, metadata);
    return;
  }
  json index{{"metadata", {{"total_size", bytes}}}, {"weight_map", json::object()}};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    char numbers[32];
    std::snprintf(numbers, sizeof numbers, "-%05zu-of-%05zu", i + 1, shards.size());
    const std::string file = concat(path.stem().string(), numbers, ".safetensors");
    NamedTensors part;
    for (const std::string& name : shards[i]) {
      part.emplace(name, cast.at(name));
      index["weight_map"][name] = file;
    }
    save_tensors(path.parent_path() / file, part, metadata);
  }
  write_json(concat(path.string(), ".index.json"), index);
}

// Throws FormatError unless every model can be made of its weights.
void check_weights(const WanModel& model) {
  TableSource transformer(model.transformer);
  const WanTransformer dit(model.transformer_config, transformer);
  transformer.finish();
  TableSource text(model.text_encoder);
  const Umt5Encoder encoder(model.text_config, text);
  TableSource vae(model.vae);
  const WanVae auto_encoder(model.vae_config, vae);
  vae.finish();
}

void write_parts(const fs::path& folder, const WanModel& model, const ModelFolderOptions& options) {
  write_json(folder / "model_index.json", index_json());
  write_json(folder / "scheduler" / "scheduler_config.json", scheduler_json(model.flow_shift));
  write_json(folder / "transformer" / "config.json", config_json(model.transformer_config));
  write_weights(folder / "transformer" / kDiffusersWeights, model.transformer, options);
  write_json(folder / "text_encoder" / "config.json", config_json(model.text_config));
  write_weights(folder / "text_encoder" / "model.safetensors", model.text_encoder, options);
  write_json(folder / "vae" / "config.json", config_json(model.vae_config));
  write_weights(folder / "vae" / kDiffusersWeights, model.vae, options);
  fs::copy(model.tokenizer, folder / "tokenizer", fs::copy_options::recursive);
}

// Puts `made` in the place of `folder`, which may exist; what was there is deleted.
void put_in_place(const fs::path& made, const fs::path& folder) {
  if (!fs::exists(folder)) {
    fs::rename(made, folder);
    return;
  }
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
    // The file system cannot exchange names: there is a moment without a folder.
    fs::path old = made;
    old += ".old";
    fs::rename(folder, old);
    fs::rename(made, folder);
    fs::rename(old, made);
  }
  fs::remove_all(made);
}

template <class Model, class Config>
NamedTensors all_weights(const Config& config, const fs::path& path, PartKind kind) {
  ShapeSource shapes(at::kFloat);
  const Model asks(config, shapes);
  CheckpointSource source(Checkpoint::open(path), kind, {});
  NamedTensors weights;
  for (const auto& [name, shape] : shapes.shapes()) {
    // A copy: a tensor that needs no conversion would be a view of the file.
    weights.emplace(name, source.tensor(name, shape).clone());
  }
  source.finish();
  return weights;
}

}  // namespace

void write_model_part(const fs::path& folder, const WanConfig& config, const NamedTensors& weights,
                      at::ScalarType dtype) {
  write_json(folder / "config.json", config_json(config));
  write_weights(folder / kDiffusersWeights, weights, {.dtype = dtype});
}

void write_model_part(const fs::path& folder, const Umt5Config& config, const NamedTensors& weights,
                      at::ScalarType dtype) {
  write_json(folder / "config.json", config_json(config));
  write_weights(folder / "model.safetensors", weights, {.dtype = dtype});
}

void write_model_part(const fs::path& folder, const WanVaeConfig& config,
                      const NamedTensors& weights, at::ScalarType dtype,
                      const NamedTensors& as_they_are) {
  write_json(folder / "config.json", config_json(config));
  write_weights(folder / kDiffusersWeights, weights, {.dtype = dtype}, as_they_are);
}

void write_model_folder(const fs::path& folder, const WanModel& model,
                        const ModelFolderOptions& options) {
  if (fs::exists(folder)) {
    RADIAL_REQUIRE(options.replace, "folder: expected a name not yet in use, got ",
                   folder.string());
    RADIAL_REQUIRE(fs::exists(folder / "model_index.json"),
                   "folder: expected a new one or that of a model, got ", folder.string());
  }
  RADIAL_REQUIRE(fs::is_directory(model.tokenizer), "tokenizer: expected a folder, got '",
                 model.tokenizer.string(), "'");
  check_weights(model);
  fs::path temporary = folder;
  temporary += concat(".", ::getpid(), ".part");
  try {
    write_parts(temporary, model, options);
    put_in_place(temporary, folder);
  } catch (const std::exception& failure) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw Error(concat(folder.string(), ": ", failure.what()));
  }
}

WanModel read_model_folder(const fs::path& folder) {
  const WanFiles files = find_wan_files(folder);
  TextWeights text = read_text_folder(folder);
  WanModel model;
  model.transformer_config = read_transformer_config(files);
  model.transformer = all_weights<WanTransformer>(model.transformer_config, files.transformer,
                                                  PartKind::kWanTransformer);
  model.text_config = text.config;
  model.text_encoder = std::move(text.weights);
  model.vae_config = read_vae_config(files);
  model.vae = all_weights<WanVae>(model.vae_config, files.vae, PartKind::kWanVae);
  model.tokenizer = text.tokenizer;
  model.flow_shift = read_flow_shift(files);
  return model;
}

TextWeights read_text_folder(const fs::path& folder) {
  const TextFiles files = find_text_files(folder);
  return {.config = files.config,
          .weights = all_weights<Umt5Encoder>(files.config, files.encoder, PartKind::kUmt5),
          .tokenizer = files.tokenizer};
}

VaeWeights read_vae_folder(const fs::path& folder) {
  RADIAL_REQUIRE(fs::is_directory(folder), "vae: expected a folder, got '", folder.string(), "'");
  const fs::path own = fs::is_directory(folder / "vae") ? folder / "vae" : folder;
  const fs::path config = own / "config.json";
  RADIAL_REQUIRE(fs::exists(config), "vae: expected a folder with config.json and weights, got '",
                 own.string(), "'");
  VaeWeights vae{.config = parse_wan_vae_config(read_text_file(config), config.string()),
                 .weights = {}};
  vae.weights = all_weights<WanVae>(vae.config, own, PartKind::kWanVae);
  return vae;
}

}  // namespace radial::video
