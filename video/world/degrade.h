#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace radial::video {

/// Frames [T, 3, H, W], floats in [0, 1] on the CPU, as an auto-encoder or a generative model
/// spoils them: blocks of 8 x 8 pixels off by a standard deviation of 0.015 a frame, a Gaussian
/// blur of 1.5 pixels, each channel's gain (up to 5 %) and level (up to 0.02) off in the whole
/// clip, and noise of standard deviation 0.02. `seed` decides what is random. H and W are multiples
/// of 8. For the judge's validation.
at::Tensor degraded(const at::Tensor& frames, std::uint64_t seed);

}  // namespace radial::video
