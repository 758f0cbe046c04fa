#pragma once

#include <ATen/core/ScalarType.h>

#include <cstdint>
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

struct ModelFolderOptions {
  at::ScalarType dtype = at::kBFloat16;  ///< of the weights
  /// Weights of a part that are larger are written in several files with an index, as diffusers
  /// does, cut between tensors; 0: never.
  std::int64_t max_shard_bytes = 0;
  bool replace = false;  ///< whether a folder of that name may be there, whose place it takes
};

/// Writes `model` as diffusers does: model_index.json, transformer/, text_encoder/, tokenizer/,
/// vae/ and scheduler/, weights as safetensors. Under a temporary name first, then renamed:
/// `folder` is complete or not there (or, with `replace`, the one that was). A text length other
/// than 512 is kept as `text_len` of the transformer's config, which diffusers does not know.
/// Throws InvalidArgument if `folder` exists, is not to be replaced or is no model's, or the
/// tokenizer is no folder, FormatError if weights do not fit their config, Error if a file cannot
/// be written.
void write_model_folder(const std::filesystem::path& folder, const WanModel& model,
                        const ModelFolderOptions& options = {});

/// The other way round: all of a model's folder, in whatever layout, with float32 weights on the
/// CPU. Throws Error or FormatError for what is missing or damaged.
WanModel read_model_folder(const std::filesystem::path& folder);

/// A VAE's sizes and float32 weights, from the folder of a whole model, or of the VAE alone
/// (config.json and weights), or from one that has such a folder as vae/.
struct VaeWeights {
  WanVaeConfig config;
  NamedTensors weights;
};
VaeWeights read_vae_folder(const std::filesystem::path& folder);

/// A text encoder's sizes and float32 weights with its tokenizer's folder, from the folder of a
/// model, or of a run that has text_encoder/ and tokenizer/. Throws Error, InvalidArgument or
/// FormatError for what is missing or damaged.
struct TextWeights {
  Umt5Config config;
  NamedTensors weights;
  std::filesystem::path tokenizer;
};
TextWeights read_text_folder(const std::filesystem::path& folder);

/// Writes one network into `folder`, which is made if need be, over what is there: config.json and
/// weights as diffusers (transformers, for the text encoder) names them, each file under a
/// temporary name first. Of a VAE, the tensors `as_they_are` are written in their own types. Throws
/// Error if a file cannot be written.
void write_model_part(const std::filesystem::path& folder, const WanConfig& config,
                      const NamedTensors& weights, at::ScalarType dtype = at::kBFloat16);
void write_model_part(const std::filesystem::path& folder, const Umt5Config& config,
                      const NamedTensors& weights, at::ScalarType dtype = at::kBFloat16);
void write_model_part(const std::filesystem::path& folder, const WanVaeConfig& config,
                      const NamedTensors& weights, at::ScalarType dtype = at::kBFloat16,
                      const NamedTensors& as_they_are = {});

}  // namespace radial::video
