#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace radial::video {

/// Standard normal numbers, float32 on the CPU, from torch's CPU generator: a seed means the same
/// noise on every device, and the same as in diffusers with a CPU generator.
at::Tensor initial_noise(at::IntArrayRef shape, std::uint64_t seed);

}  // namespace radial::video
