#pragma once

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/shared_limit.h"
#include "attention/cuda/sm90/forward/kernel.cuh"
#include "attention/cuda/sm90/forward/launch.h"

namespace radial::sm90 {

template <typename Element, int kHeadDim, int kBlock>
void run_forward(const ForwardKernelParams& params, int blocks, cudaStream_t stream) {
  using Config = ForwardConfig<Element, kHeadDim, kBlock>;
  constexpr int kShared = forward_shared_bytes<Config>();
  static SharedLimit limit;
  limit.raise(forward_kernel<Config>, kShared);
  forward_kernel<Config><<<blocks, Config::kThreads, kShared, stream>>>(params);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

}  // namespace radial::sm90
