#pragma once

// What inst_*.cu instantiate: the three kernels of one element type and head dim.

#include <algorithm>

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/tensor_map.h"
#include "attention/cuda/sm90/backward/dq_convert.cuh"
#include "attention/cuda/sm90/backward/kernel.cuh"
#include "attention/cuda/sm90/backward/launch.h"
#include "attention/cuda/sm90/backward/row_stats.cuh"

namespace radial::sm90 {

inline ElementStrides to_device(const Strides& strides) {
  return {strides.batch, strides.token, strides.head};
}

template <typename Config>
void launch_row_stats(const BackwardLaunch& launch) {
  const BackwardParams& params = launch.params;
  const AttentionProblem& problem = params.problem;
  RowStatsParams stats;
  stats.out = params.out;
  stats.dout = params.dout;
  stats.lse = static_cast<const float*>(params.lse);
  stats.neg_lse = reinterpret_cast<float*>(launch.workspace + launch.layout.neg_lse);
  stats.neg_delta = reinterpret_cast<float*>(launch.workspace + launch.layout.neg_delta);
  stats.out_strides = to_device(params.out_strides);
  stats.dout_strides = to_device(params.dout_strides);
  stats.query_tokens = problem.query_tokens;
  stats.padded_queries = launch.layout.padded_queries;
  stats.heads = problem.heads;
  const dim3 grid(
      static_cast<unsigned>(launch.layout.padded_queries / RowStats<Config>::kRowsPerBlock),
      problem.heads, static_cast<unsigned>(problem.batch));
  row_stats_kernel<Config><<<grid, RowStats<Config>::kThreads, 0, launch.stream>>>(stats);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

template <typename Config>
BackwardKernelParams main_params(const BackwardLaunch& launch) {
  const BackwardParams& params = launch.params;
  const AttentionProblem& problem = params.problem;
  const BackwardLayout& layout = launch.layout;
  const auto queries = [&](const void* data, const Strides& strides) {
    return make_tensor_map(data, problem.dtype, problem.batch, problem.query_tokens, problem.heads,
                           problem.head_dim, strides, Config::kQueryRows);
  };
  const auto keys = [&](const void* data, const Strides& strides) {
    return make_tensor_map(data, problem.dtype, problem.batch, problem.key_tokens,
                           problem.key_heads, problem.head_dim, strides, Config::kKeyRows);
  };
  BackwardKernelParams p;
  p.q = queries(params.q, params.q_strides);
  p.dout = queries(params.dout, params.dout_strides);
  p.k = keys(params.k, params.k_strides);
  p.v = keys(params.v, params.v_strides);
  p.plan = launch.plan;
  p.neg_lse = reinterpret_cast<const float*>(launch.workspace + layout.neg_lse);
  p.neg_delta = reinterpret_cast<const float*>(launch.workspace + layout.neg_delta);
  p.dq_sums = reinterpret_cast<float*>(launch.workspace + layout.dq_sums);
  p.turns = reinterpret_cast<std::uint32_t*>(launch.workspace + layout.turns);
  p.next_item = reinterpret_cast<std::uint32_t*>(launch.workspace + layout.next_item);
  p.dk = params.dk;
  p.dv = params.dv;
  p.dk_strides = to_device(params.dk_strides);
  p.dv_strides = to_device(params.dv_strides);
  p.maybe_text_lengths = problem.maybe_text_lengths;
  p.text_begin = problem.plan->text_begin();
  p.key_tokens = problem.key_tokens;
  p.heads = problem.heads;
  p.key_heads = problem.key_heads;
  p.group = problem.heads / problem.key_heads;
  p.num_tiles = layout.num_tiles;
  p.score_scale = static_cast<float>(problem.scale);
  p.score_scale_log2 = static_cast<float>(problem.scale * 1.44269504088896340736);
  return p;
}

template <typename Config>
void launch_dq_convert(const BackwardLaunch& launch, const BackwardKernelParams& p) {
  DqConvertParams convert;
  convert.dq_sums = p.dq_sums;
  convert.dq = launch.params.dq;
  convert.dq_strides = to_device(launch.params.dq_strides);
  convert.contributors = p.plan.contributors;
  convert.maybe_head_patterns = p.plan.maybe_head_patterns;
  convert.query_tokens = launch.params.problem.query_tokens;
  convert.heads = p.heads;
  convert.first_line = p.first_slot * p.group;
  convert.num_tiles = p.num_tiles;
  convert.scale = p.score_scale;
  const dim3 grid(p.num_tiles, p.num_slots * p.group);
  dq_convert_kernel<Config><<<grid, DqConvert<Config>::kThreads, 0, launch.stream>>>(convert);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

/// Multiprocessors of the current device; raises the kernel's shared memory once per device.
template <typename Config>
int prepare_device() {
  constexpr std::size_t kSharedBytes = sizeof(SharedStorage<Config>) + 1024;
  static_assert(kSharedBytes <= kMaxSharedBytes, "the stages do not fit in shared memory");
  int device = 0, multiprocessors = 0;
  RADIAL_CUDA_CHECK(cudaGetDevice(&device));
  RADIAL_CUDA_CHECK(
      cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  RADIAL_CUDA_CHECK(cudaFuncSetAttribute(
      backward_kernel<Config>, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes));
  return multiprocessors;
}

template <typename Config>
void run_backward(const BackwardLaunch& launch) {
  const int multiprocessors = prepare_device<Config>();
  const BackwardLayout& layout = launch.layout;
  launch_row_stats<Config>(launch);
  BackwardKernelParams p = main_params<Config>(launch);
  for (int slot = 0; slot < layout.num_slots; slot += layout.slots_per_launch) {
    p.first_slot = slot;
    p.num_slots = std::min(layout.slots_per_launch, layout.num_slots - slot);
    p.slots_in_turn = layout.slots_in_turn(p.num_slots);
    RADIAL_CUDA_CHECK(cudaMemsetAsync(p.turns, 0, layout.dq_sums - layout.turns, launch.stream));
    const int items = p.num_slots * p.plan.num_columns;
    backward_kernel<Config><<<std::min(items, multiprocessors), Config::kThreads,
                              sizeof(SharedStorage<Config>) + 1024, launch.stream>>>(p);
    RADIAL_CUDA_CHECK(cudaGetLastError());
    launch_dq_convert<Config>(launch, p);
  }
}

}  // namespace radial::sm90
