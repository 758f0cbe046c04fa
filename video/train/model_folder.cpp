#include "video/train/model_folder.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"
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

void write_weights(const fs::path& path, const NamedTensors& weights, at::ScalarType dtype) {
  NamedTensors cast;
  for (const auto& [name, tensor] : weights) cast.emplace(name, tensor.detach().to(dtype));
  save_tensors(path, cast, {{"format", "pt"}});
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

void write_parts(const fs::path& folder, const WanModel& model, at::ScalarType dtype) {
  write_json(folder / "model_index.json", index_json());
  write_json(folder / "scheduler" / "scheduler_config.json", scheduler_json(model.flow_shift));
  write_model_part(folder / "transformer", model.transformer_config, model.transformer, dtype);
  write_model_part(folder / "text_encoder", model.text_config, model.text_encoder, dtype);
  write_model_part(folder / "vae", model.vae_config, model.vae, dtype);
  fs::copy(model.tokenizer, folder / "tokenizer", fs::copy_options::recursive);
}

}  // namespace

void write_model_part(const fs::path& folder, const WanConfig& config, const NamedTensors& weights,
                      at::ScalarType dtype) {
  write_json(folder / "config.json", config_json(config));
  write_weights(folder / kDiffusersWeights, weights, dtype);
}

void write_model_part(const fs::path& folder, const Umt5Config& config, const NamedTensors& weights,
                      at::ScalarType dtype) {
  write_json(folder / "config.json", config_json(config));
  write_weights(folder / "model.safetensors", weights, dtype);
}

void write_model_part(const fs::path& folder, const WanVaeConfig& config,
                      const NamedTensors& weights, at::ScalarType dtype) {
  write_json(folder / "config.json", config_json(config));
  write_weights(folder / kDiffusersWeights, weights, dtype);
}

void write_model_folder(const fs::path& folder, const WanModel& model, at::ScalarType dtype) {
  RADIAL_REQUIRE(!fs::exists(folder), "folder: expected a name not yet in use, got ",
                 folder.string());
  RADIAL_REQUIRE(fs::is_directory(model.tokenizer), "tokenizer: expected a folder, got '",
                 model.tokenizer.string(), "'");
  check_weights(model);
  fs::path temporary = folder;
  temporary += concat(".", ::getpid(), ".part");
  try {
    write_parts(temporary, model, dtype);
    fs::rename(temporary, folder);
  } catch (const std::exception& failure) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw Error(concat(folder.string(), ": ", failure.what()));
  }
}

}  // namespace radial::video
