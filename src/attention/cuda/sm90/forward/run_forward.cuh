#pragma once

#include <algorithm>

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/sm90/forward/kernel.cuh"
#include "attention/cuda/sm90/forward/launch.h"

namespace radial::sm90 {

template <typename Element, int kHeadDim, int kBlock>
void run_forward(const ForwardKernelParams& params, int multiprocessors, cudaStream_t stream) {
  using Config = ForwardConfig<Element, kHeadDim, kBlock>;
  constexpr int kShared = forward_shared_bytes<Config>();
  // Of the current device, hence not once for all.
  RADIAL_CUDA_CHECK(cudaFuncSetAttribute(forward_kernel<Config>,
                                         cudaFuncAttributeMaxDynamicSharedMemorySize, kShared));
  const int blocks = std::min(multiprocessors, params.slots * params.rows);
  forward_kernel<Config><<<blocks, Config::kThreads, kShared, stream>>>(params);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

}  // namespace radial::sm90
