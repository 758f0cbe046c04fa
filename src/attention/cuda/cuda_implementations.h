#pragma once

#include <span>

#include "attention/params.h"

namespace radial {

/// The implementations for NVIDIA GPUs, fastest first; none where the library was built without
/// CUDA.
std::span<const Implementation> cuda_implementations();

}  // namespace radial
