#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace radial::tools {

/// How a model turns pixels into tokens, and what it is run with unless told otherwise.
struct ModelGeometry {
  std::string_view name;       ///< as in `--model`
  std::string_view summary;    ///< one line for people
  std::int32_t time_stride;    ///< frames F give 1 + (F - 1) / time_stride latent frames
  std::int32_t vae_stride;     ///< pixels per latent cell edge
  std::int32_t patch;          ///< latent cells per token edge
  std::int32_t text_tokens;    ///< text tokens that join self-attention, padding included
  double decay_factor;         ///< default of `--decay-factor` for this model
  std::int32_t width, height;  ///< default size in pixels
  std::int32_t num_frames;     ///< default number of frames

  constexpr std::int32_t pixels_per_token() const { return vae_stride * patch; }
};

/// Every model whose geometry is known.
std::span<const ModelGeometry> model_geometries();

/// The model called `name` (upper or lower case); throws InvalidArgument that lists the known ones.
const ModelGeometry& model_geometry(std::string_view option, std::string_view name);

}  // namespace radial::tools
