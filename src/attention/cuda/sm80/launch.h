#pragma once

#include "attention/cuda/sm80/params.h"
#include "attention/params.h"

namespace radial::sm80 {

/// Queues the kernels of one element type and head dim; instantiated in inst_*.cu.
template <typename Config>
void run_forward(const ForwardKernelParams& params, std::int32_t batch, Stream stream);
template <typename Config>
void run_backward(const BackwardKernelParams& params, std::int32_t batch, Stream stream);

}  // namespace radial::sm80
