#include "attention/cuda/sm90/forward/launch.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/device_array.h"
#include "attention/cuda/common/device_plan_arrays.h"
#include "attention/cuda/common/tensor_map.h"
#include "attention/cuda/sm90/forward/config.h"
#include "radial/base/error.h"

namespace radial::sm90 {
namespace {

RowPlan row_plan(const DevicePlan::Arrays& arrays, std::int32_t block) {
  const std::int32_t* patterns = arrays.head_patterns.data();
  if (block == 64) {
    const DeviceJoinedRows& rows = arrays.joined_rows;
    return {rows.offsets.data(), nullptr,  rows.steps.data(), rows.sizes.data(),
            rows.order.data(),   patterns, rows.num_rows};
  }
  const DeviceLists& rows = arrays.rows;
  return {rows.offsets.data(),    rows.runs.data(),  nullptr,
          rows.sizes.data(),      rows.order.data(), patterns,
          arrays.num_query_blocks};
}

/// The copy engine takes memory and strides in multiples of 16 bytes only.
void check_alignment(std::string_view name, const void* data, const Strides& strides) {
  constexpr std::int64_t kElements = 8;
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 &&
                       strides.batch % kElements == 0 && strides.token % kElements == 0 &&
                       strides.head % kElements == 0;
  RADIAL_REQUIRE(aligned, name, ": expected memory and strides in multiples of 16 bytes on cuda");
}

int multiprocessors_of(int device) {
  int count = 0;
  RADIAL_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

ForwardKernelParams kernel_params(const ForwardParams& params, int multiprocessors) {
  const AttentionProblem& problem = params.problem;
  const DevicePlan::Arrays& arrays = problem.maybe_device_plan->arrays();
  const int box = problem.plan->block_size();
  const auto map = [&](const void* data, std::int64_t tokens, std::int32_t heads,
                       const Strides& strides) {
    return make_tensor_map(data, problem.dtype, problem.batch, tokens, heads, problem.head_dim,
                           strides, box);
  };
  ForwardKernelParams p;
  p.q = map(params.q, problem.query_tokens, problem.heads, params.q_strides);
  p.k = map(params.k, problem.key_tokens, problem.key_heads, params.k_strides);
  p.v = map(params.v, problem.key_tokens, problem.key_heads, params.v_strides);
  p.plan = row_plan(arrays, box);
  p.out = params.out;
  p.out_batch = params.out_strides.batch;
  p.out_token = params.out_strides.token;
  p.out_head = params.out_strides.head;
  p.maybe_lse = static_cast<float*>(params.maybe_lse);
  p.maybe_text_lengths = problem.maybe_text_lengths;
  p.maybe_counter = nullptr;
  p.heads = problem.heads;
  p.heads_per_key_head = problem.heads / problem.key_heads;
  p.rows = p.plan.rows;
  p.slots = static_cast<std::int32_t>(problem.batch) * problem.heads;
  p.balanced_slots =
      std::min(p.slots, (kBalancedTilesPerBlock * multiprocessors + p.rows - 1) / p.rows);
  p.query_tokens = static_cast<std::int32_t>(problem.query_tokens);
  p.key_tokens = static_cast<std::int32_t>(problem.key_tokens);
  p.text_begin = static_cast<std::int32_t>(problem.plan->text_begin());
  p.negative_scale = problem.scale < 0;
  p.scale = static_cast<float>(std::abs(problem.scale));
  p.scale_log2 = static_cast<float>(std::abs(problem.scale) * std::numbers::log2e);
  return p;
}

template <typename Element, int kHeadDim>
void run_block(const ForwardKernelParams& p, int block, int multiprocessors, cudaStream_t stream) {
  block == 64 ? run_forward<Element, kHeadDim, 64>(p, multiprocessors, stream)
              : run_forward<Element, kHeadDim, 128>(p, multiprocessors, stream);
}

template <typename Element>
void run_head_dim(const ForwardKernelParams& p, int head_dim, int block, int multiprocessors,
                  cudaStream_t stream) {
  head_dim == 64 ? run_block<Element, 64>(p, block, multiprocessors, stream)
                 : run_block<Element, 128>(p, block, multiprocessors, stream);
}

}  // namespace

std::size_t forward_workspace(const AttentionProblem&) { return kForwardWorkspace; }

void launch_forward(const ForwardParams& params, const RunContext& context) {
  const AttentionProblem& problem = params.problem;
  check_alignment("q", params.q, params.q_strides);
  check_alignment("k", params.k, params.k_strides);
  check_alignment("v", params.v, params.v_strides);
  check_alignment("out", params.out, params.out_strides);
  const DeviceGuard guard(problem.device.index);
  const auto stream = static_cast<cudaStream_t>(context.stream.handle);
  const int multiprocessors = multiprocessors_of(problem.device.index);
  ForwardKernelParams p = kernel_params(params, multiprocessors);
  if (std::int64_t{p.slots} * p.rows > multiprocessors) {
    p.maybe_counter = static_cast<std::uint32_t*>(context.workspace.data);
    RADIAL_CUDA_CHECK(cudaMemsetAsync(p.maybe_counter, 0, sizeof(*p.maybe_counter), stream));
  }
  const int block = problem.plan->block_size();
  problem.dtype == DType::kBFloat16
      ? run_head_dim<__nv_bfloat16>(p, problem.head_dim, block, multiprocessors, stream)
      : run_head_dim<__half>(p, problem.head_dim, block, multiprocessors, stream);
}

}  // namespace radial::sm90
