#include "attention/cuda/sm90/backward/launch.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <string_view>

#include "attention/cuda/common/device_plan_arrays.h"
#include "attention/cuda/sm90/backward/config.h"
#include "radial/base/error.h"

namespace radial::sm90 {
namespace {

/// Sums of dQ held at a time; more heads than fit are done in several launches.
constexpr std::size_t kMostDqBytes = std::size_t{640} << 20;

/// Bytes of the slots that take turns; measured on a GPU with 50 MB of second-level cache.
constexpr std::size_t kMostBytesInTurn = std::size_t{72} << 20;
constexpr std::int32_t kMostSlotsInTurn = 4;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

BackwardLayout::BackwardLayout(const AttentionProblem& problem) {
  padded_queries = (problem.query_tokens + 127) / 128 * 128;
  num_tiles = static_cast<std::int32_t>(padded_queries / 64);
  num_slots = static_cast<std::int32_t>(problem.batch) * problem.key_heads;
  const std::size_t group = problem.heads / problem.key_heads;
  const std::size_t dq_bytes = group * padded_queries * problem.head_dim * 4;
  const std::size_t most =
      std::max<std::size_t>(1, kMostDqBytes / std::max<std::size_t>(1, dq_bytes));
  const std::size_t launches = (num_slots + most - 1) / most;
  slots_per_launch =
      launches ? static_cast<std::int32_t>((num_slots + launches - 1) / launches) : 1;

  const std::size_t rows = problem.batch * problem.heads * padded_queries;
  neg_delta = aligned(rows * 4);
  turns = neg_delta + aligned(rows * 4);
  next_item = turns + slots_per_launch * group * num_tiles * (problem.head_dim / 64) * 4;
  dq_sums = aligned(next_item + 4);
  total = dq_sums + slots_per_launch * dq_bytes;
  slot_bytes = 2 * dq_bytes;  // 2 bytes of a query, 2 of dO, 4 of a sum
}

std::int32_t BackwardLayout::slots_in_turn(std::int32_t slots_of_launch) const {
  std::int32_t slots = kMostSlotsInTurn;
  while (slots > 1 && (slots_of_launch % slots != 0 || slots * slot_bytes > kMostBytesInTurn)) {
    slots /= 2;
  }
  return slots;
}

bool serves_backward(const AttentionProblem& problem) {
  return BackwardSchedule::serves(*problem.plan);
}

std::size_t backward_workspace(const AttentionProblem& problem) {
  return BackwardLayout(problem).total;
}

extern template void run_backward<BackwardConfig<__nv_bfloat16, 64>>(const BackwardLaunch&);
extern template void run_backward<BackwardConfig<__nv_bfloat16, 128>>(const BackwardLaunch&);
extern template void run_backward<BackwardConfig<__half, 64>>(const BackwardLaunch&);
extern template void run_backward<BackwardConfig<__half, 128>>(const BackwardLaunch&);

namespace {

/// Copies are made in pieces of 16 bytes.
void check_alignment(std::string_view name, const void* data, const Strides& strides) {
  constexpr std::int64_t kElements = 8;
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 &&
                       strides.batch % kElements == 0 && strides.token % kElements == 0 &&
                       strides.head % kElements == 0;
  RADIAL_REQUIRE(aligned, name, ": expected memory and strides in multiples of 16 bytes on cuda");
}

void check_alignments(const BackwardParams& params) {
  check_alignment("q", params.q, params.q_strides);
  check_alignment("k", params.k, params.k_strides);
  check_alignment("v", params.v, params.v_strides);
  check_alignment("out", params.out, params.out_strides);
  check_alignment("dout", params.dout, params.dout_strides);
  check_alignment("dq", params.dq, params.dq_strides);
  check_alignment("dk", params.dk, params.dk_strides);
  check_alignment("dv", params.dv, params.dv_strides);
}

ColumnPlan column_plan(const DevicePlan::Arrays& arrays) {
  const DeviceBackwardSchedule& schedule = arrays.backward_schedule;
  return {.offsets = schedule.offsets.data(),
          .entries = schedule.entries.data(),
          .order = schedule.order.data(),
          .contributors = schedule.contributors.data(),
          .maybe_head_patterns = arrays.head_patterns.data(),
          .num_columns = arrays.num_key_blocks,
          .num_long = schedule.num_long};
}

}  // namespace

void launch_backward(const BackwardParams& params, const RunContext& context) {
  check_alignments(params);
  const AttentionProblem& problem = params.problem;
  const DeviceGuard guard(problem.device.index);
  const BackwardLaunch launch{params, column_plan(problem.maybe_device_plan->arrays()),
                              BackwardLayout(problem),
                              static_cast<unsigned char*>(context.workspace.data),
                              static_cast<cudaStream_t>(context.stream.handle)};
  const bool wide = problem.head_dim == 128;
  if (problem.dtype == DType::kBFloat16) {
    wide ? run_backward<BackwardConfig<__nv_bfloat16, 128>>(launch)
         : run_backward<BackwardConfig<__nv_bfloat16, 64>>(launch);
  } else {
    wide ? run_backward<BackwardConfig<__half, 128>>(launch)
         : run_backward<BackwardConfig<__half, 64>>(launch);
  }
}

}  // namespace radial::sm90
