#pragma once

#include <filesystem>
#include <optional>

#include "video/checkpoint/model_config.h"

namespace radial::video {

/// Where the text parts of a model folder stand, and the encoder's sizes.
struct TextFiles {
  std::filesystem::path encoder;    ///< a folder or a .safetensors file
  std::filesystem::path tokenizer;  ///< a folder
  Umt5Config config;
};

/// Of a folder in the diffusers layout (text_encoder/, tokenizer/) or in the official one
/// (models_t5_umt5-xxl-enc-bf16.safetensors, google/umt5-xxl/; sizes are those of UMT5-XXL). Throws
/// InvalidArgument if `model` is no folder, FormatError if a part is missing. `maybe_encoder` is an
/// encoder to use instead of the folder's, with the config.json of an encoder next to it or, if
/// there is none, the folder's sizes.
TextFiles find_text_files(const std::filesystem::path& model,
                          const std::optional<std::filesystem::path>& maybe_encoder = {});

}  // namespace radial::video
