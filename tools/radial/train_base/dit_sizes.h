#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "video/checkpoint/model_config.h"

namespace radial::tools {

/// Sizes of a transformer and its text encoder.
struct DitSizes {
  video::WanConfig transformer;
  video::Umt5Config text;  ///< the vocabulary is set when the tokenizer is known
};

/// Those of the shipped model (width 256 in 4 heads, 8 layers; a text encoder of 4 layers), changed
/// by `config`, if it names a file: a JSON object with `transformer` and `text_encoder`, whose
/// entries are those of diffusers' and transformers' config.json. Latents have `z_dim` channels.
/// Throws InvalidArgument for a file that does not fit.
DitSizes dit_sizes(const std::string& config, std::int64_t z_dim);

/// Trains a tokenizer on captions of the world `seed` and writes it as `folder`, unless it is
/// there; the folder is complete or not there.
void make_tokenizer(const std::filesystem::path& folder, std::uint64_t seed);

}  // namespace radial::tools
