#include "attention/cuda/sm90/forward/launch.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "attention/cuda/common/compute_capability.h"
#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/device_array.h"
#include "attention/cuda/common/device_plan_arrays.h"
#include "attention/cuda/common/tensor_map.h"
#include "attention/cuda/sm90/forward/config.h"
#include "attention/cuda/sm90/forward/cut.h"
#include "radial/base/error.h"

namespace radial::sm90 {
namespace {

const DeviceRowWork& row_work(const AttentionProblem& problem) {
  return problem.maybe_device_plan->arrays().row_work;
}

RowPlan row_plan(const AttentionProblem& problem) {
  const DevicePlan::Arrays& arrays = problem.maybe_device_plan->arrays();
  RowPlan plan = {};
  const auto take = [&plan](const auto& rows, std::int32_t num_rows) {
    plan.offsets = rows.offsets.data();
    plan.sizes = rows.sizes.data();
    plan.order = rows.order.data();
    plan.rows = num_rows;
  };
  if (problem.plan->block_size() == 64) {
    take(arrays.joined_rows, arrays.joined_rows.num_rows);
    plan.steps = arrays.joined_rows.steps.data();
  } else {
    take(arrays.rows, arrays.num_query_blocks);
    plan.runs = arrays.rows.runs.data();
  }
  plan.work = row_work(problem).before();
  plan.maybe_head_patterns = arrays.head_patterns.data();
  return plan;
}

/// The copy engine takes memory and strides in multiples of 16 bytes only.
void check_alignment(std::string_view name, const void* data, const Strides& strides) {
  constexpr std::int64_t kElements = 8;
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 &&
                       strides.batch % kElements == 0 && strides.token % kElements == 0 &&
                       strides.head % kElements == 0;
  RADIAL_REQUIRE(aligned, name, ": expected memory and strides in multiples of 16 bytes on cuda");
}

std::int64_t work_of(const AttentionProblem& problem) {
  return problem.batch * row_work(problem).of_heads(problem.heads);
}

std::int64_t tiles_of(const AttentionProblem& problem) {
  return problem.batch * problem.heads * row_plan(problem).rows;
}

/// Thread blocks that cut tiles along their keys, 0 if none are to be cut.
int cutting_blocks(const AttentionProblem& problem) {
  return blocks_that_cut({.tiles = tiles_of(problem),
                          .steps = work_of(problem),
                          .longest_row = row_work(problem).longest_row(),
                          .multiprocessors = multiprocessors_of(problem.device.index)});
}

ForwardKernelParams kernel_params(const ForwardParams& params, int multiprocessors) {
  const AttentionProblem& problem = params.problem;
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
  p.plan = row_plan(problem);
  p.out = params.out;
  p.out_batch = params.out_strides.batch;
  p.out_token = params.out_strides.token;
  p.out_head = params.out_strides.head;
  p.maybe_lse = static_cast<float*>(params.maybe_lse);
  p.maybe_text_lengths = problem.maybe_text_lengths;
  p.maybe_counter = nullptr;
  p.partials = nullptr;
  p.cut_work = 0;
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
void run_block(const ForwardKernelParams& p, int block, int blocks, cudaStream_t stream) {
  block == 64 ? run_forward<Element, kHeadDim, 64>(p, blocks, stream)
              : run_forward<Element, kHeadDim, 128>(p, blocks, stream);
}

template <typename Element>
void run_head_dim(const ForwardKernelParams& p, int head_dim, int block, int blocks,
                  cudaStream_t stream) {
  head_dim == 64 ? run_block<Element, 64>(p, block, blocks, stream)
                 : run_block<Element, 128>(p, block, blocks, stream);
}

void run(const ForwardKernelParams& p, const AttentionProblem& problem, int blocks,
         cudaStream_t stream) {
  const int block = problem.plan->block_size();
  problem.dtype == DType::kBFloat16
      ? run_head_dim<__nv_bfloat16>(p, problem.head_dim, block, blocks, stream)
      : run_head_dim<__half>(p, problem.head_dim, block, blocks, stream);
}

}  // namespace

std::size_t forward_workspace(const AttentionProblem& problem) {
  if (const auto blocks = static_cast<std::size_t>(cutting_blocks(problem)); blocks > 0) {
    return 2 * blocks * partial_floats(problem.head_dim) * sizeof(float);
  }
  const bool counts = tiles_of(problem) > multiprocessors_of(problem.device.index);
  return counts ? kForwardWorkspace : 0;
}

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
  if (const int blocks = cutting_blocks(problem); blocks > 0) {
    p.balanced_slots = 0;
    p.cut_work = static_cast<std::int32_t>(work_of(problem));
    p.partials = static_cast<float*>(context.workspace.data);
    run(p, problem, blocks, stream);
    run_merge_parts(p, problem.dtype, problem.head_dim, blocks, stream);
    return;
  }
  const std::int64_t tiles = tiles_of(problem);
  if (tiles > multiprocessors) {
    p.maybe_counter = static_cast<std::uint32_t*>(context.workspace.data);
    RADIAL_CUDA_CHECK(cudaMemsetAsync(p.maybe_counter, 0, sizeof(*p.maybe_counter), stream));
  }
  run(p, problem, static_cast<int>(std::min<std::int64_t>(tiles, multiprocessors)), stream);
}

}  // namespace radial::sm90
