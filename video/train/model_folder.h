#pragma once

#include <ATen/core/ScalarType.h>

#include <filesystem>

#include "video/checkpoint/model_config.h"
#include "video/train/initial_weights.h"

namespace radial::video {

/// A whole text-to-video model in memory: weights by canonical names.
struct WanModel {
  WanConfig transformer_config;
  NamedTensors transformer;
  Umt5Config text_config;
  NamedTensors text_encoder;
  WanVaeConfig vae_config;
  NamedTensors vae;
  std::filesystem::path tokenizer;  ///< a folder whose files are copied
  double flow_shift = 3;            ///< of the noise schedule, for generation
};

/// Writes `model` as diffusers does: model_index.json, transformer/, text_encoder/, tokenizer/,
/// vae/ and scheduler/, weights as safetensors in `dtype`. Under a temporary name first, then
/// renamed: `folder` is complete or not there. A text length other than 512 is kept as `text_len`
/// of the transformer's config, which diffusers does not know. Throws InvalidArgument if `folder`
/// exists or the tokenizer is no folder, FormatError if weights do not fit their config, Error if a
/// file cannot be written.
void write_model_folder(const std::filesystem::path& folder, const WanModel& model,
                        at::ScalarType dtype = at::kBFloat16);

/// Writes one network into `folder`, which is made if need be, over what is there: config.json and
/// weights as diffusers (transformers, for the text encoder) names them, each file under a
/// temporary name first. Throws Error if a file cannot be written.
void write_model_part(const std::filesystem::path& folder, const WanConfig& config,
                      const NamedTensors& weights, at::ScalarType dtype = at::kBFloat16);
void write_model_part(const std::filesystem::path& folder, const Umt5Config& config,
                      const NamedTensors& weights, at::ScalarType dtype = at::kBFloat16);
void write_model_part(const std::filesystem::path& folder, const WanVaeConfig& config,
                      const NamedTensors& weights, at::ScalarType dtype = at::kBFloat16);

}  // namespace radial::video
