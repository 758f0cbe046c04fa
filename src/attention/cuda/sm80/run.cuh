#pragma once

// What inst_*.cu instantiate.

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/sm80/backward.cuh"
#include "attention/cuda/sm80/forward.cuh"
#include "attention/cuda/sm80/launch.h"

namespace radial::sm80 {

template <typename Params>
void launch(void (*kernel)(Params), dim3 grid, int threads, int shared_bytes, Stream stream,
            const Params& params) {
  RADIAL_CUDA_CHECK(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
  kernel<<<grid, threads, shared_bytes, static_cast<cudaStream_t>(stream.handle)>>>(params);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

template <typename Config>
void run_forward(const ForwardKernelParams& params, std::int32_t batch, Stream stream) {
  const CommonParams& common = params.common;
  const dim3 grid(common.rows.num_blocks, common.heads, batch);
  if (common.tiles_per_block == 2) {
    launch(forward_kernel<Config, 2>, grid, Config::kThreads, Config::kForwardSharedBytes, stream,
           params);
  } else {
    launch(forward_kernel<Config, 1>, grid, Config::kThreads,
           Config::kForwardSharedBytes - Config::kTileBytes, stream, params);
  }
}

template <typename Config>
void run_backward(const BackwardKernelParams& params, std::int32_t batch, Stream stream) {
  const CommonParams& common = params.common;
  const auto blocks = [](int tokens, int size) { return (tokens + size - 1) / size; };
  launch(row_stats_kernel<Config>,
         dim3(blocks(common.query_tokens, Config::kWarps), common.heads, batch), Config::kThreads,
         0, stream, params);
  launch(dkdv_kernel<Config>,
         dim3(common.columns.num_blocks * common.tiles_per_block, common.key_heads, batch),
         Config::kThreads, Config::kBackwardSharedBytes, stream, params);
  launch(dq_kernel<Config>,
         dim3(common.rows.num_blocks * common.tiles_per_block, common.heads, batch),
         Config::kThreads, Config::kBackwardSharedBytes, stream, params);
}

}  // namespace radial::sm80
