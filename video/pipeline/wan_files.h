#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/model_config.h"
#include "video/lora/lora_file.h"
#include "video/models/wan/wan_transformer.h"
#include "video/vae/wan_vae.h"

namespace radial::video {

/// A model as people name it: its folder, or one file of it.
struct ModelLocation {
  std::filesystem::path folder;
  std::optional<std::filesystem::path> transformer;  ///< the file that was named, if it was one
};

/// Of a folder, or of a transformer's file in a model's folder or in its transformer/. Throws
/// InvalidArgument if there is nothing of that name, or no VAE in that folder or the one above.
ModelLocation locate_model(const std::filesystem::path& model);

/// Where the transformer, the VAE and the scheduler's settings of a Wan model stand on disk.
struct WanFiles {
  std::filesystem::path transformer;  ///< a file, an index or a folder
  std::optional<std::filesystem::path> transformer_config;
  std::filesystem::path vae;
  std::optional<std::filesystem::path> vae_config;  ///< nothing: Wan 2.1's published VAE
  std::optional<std::filesystem::path> scheduler_config;
};

/// Finds them in `model`, a folder as diffusers writes it (transformer/, vae/, scheduler/) or as
/// the authors do (config.json and weights in one folder, Wan2.1_VAE.safetensors).
/// `maybe_transformer` is a transformer to use instead of the folder's, with the config.json next
/// to it or, if there is none, that of the folder. `maybe_vae` likewise is a VAE to use instead: a
/// file or a folder as diffusers writes it; a config.json of another network beside it is left
/// alone.
WanFiles find_wan_files(const std::filesystem::path& model,
                        const std::optional<std::filesystem::path>& maybe_transformer = {},
                        const std::optional<std::filesystem::path>& maybe_vae = {});

/// Sizes of the transformer. Throws Error if there is no config.json.
WanConfig read_transformer_config(const WanFiles& files);
WanVaeConfig read_vae_config(const WanFiles& files);

/// `flow_shift` or `shift` of the scheduler's settings; 5, the published default, if there are
/// none.
double read_flow_shift(const WanFiles& files);

/// The transformer with `loras` added to its weights, those of `blocks_to_swap` blocks in host
/// memory; see WanBlocks.
WanTransformer load_transformer(const WanFiles& files, const LoadOptions& options,
                                const std::vector<LoraUse>& loras = {},
                                std::int64_t blocks_to_swap = 0);
WanVae load_vae(const WanFiles& files, const LoadOptions& options);

}  // namespace radial::video
