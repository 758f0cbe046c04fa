#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>

#include "radial/mask/video_layout.h"
#include "video/checkpoint/model_config.h"
#include "video/vae/wan_vae.h"

namespace radial::video {

// What the parts of a run take at once beside their weights, in bytes: each part runs once on the
// meta device, as it would with real tensors of these sizes, and what would be alive is counted
// (meta_memory.h), with what the CPU's kernels are known to copy. The process itself, torch
// included, is not part of it.

/// What becomes of a need of so many bytes where so many are free.
enum class Fit {
  kFits,
  kNear,   ///< it may not fit: the need is worked out, not known
  kCannot  ///< it does not, even if less is taken than was worked out
};
Fit fit_of(std::uint64_t needed, std::uint64_t free);

/// Encoding one prompt of `num_tokens`.
std::uint64_t text_encoder_working_bytes(const Umt5Config& config, at::ScalarType dtype,
                                         std::int64_t num_tokens);

/// Denoising one video of `layout`, whatever the sampler.
std::uint64_t transformer_working_bytes(const WanConfig& config, at::ScalarType dtype,
                                        const VideoLayout& layout, bool guided);

/// The weights of one of a transformer's blocks, which are all of one size.
std::uint64_t transformer_block_bytes(const WanConfig& config, at::ScalarType dtype);

/// Decoding latents [1, z, frames, rows, columns], pixels in float32 included.
std::uint64_t decoder_working_bytes(const WanVaeConfig& config, at::ScalarType dtype,
                                    at::IntArrayRef latents, const VaePass& pass);

/// Encoding pixels [1, 3, frames, rows, columns], which are counted, too.
std::uint64_t encoder_working_bytes(const WanVaeConfig& config, at::ScalarType dtype,
                                    at::IntArrayRef pixels, const VaePass& pass);

}  // namespace radial::video
