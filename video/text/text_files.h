#pragma once

#include <filesystem>

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
/// InvalidArgument if `model` is no folder, FormatError if a part is missing.
TextFiles find_text_files(const std::filesystem::path& model);

}  // namespace radial::video
