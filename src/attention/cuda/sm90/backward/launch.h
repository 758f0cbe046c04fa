#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "attention/cuda/sm90/backward/params.cuh"
#include "attention/params.h"

namespace radial::sm90 {

/// Where the parts of the workspace begin, in bytes, and how the heads are grouped.
struct BackwardLayout {
  std::int64_t padded_queries = 0;  // Sq, up to whole blocks of 128
  std::int32_t num_tiles = 0;       // of 64 queries
  std::int32_t num_slots = 0;       // B * Hkv
  std::int32_t slots_per_launch = 0;
  std::size_t neg_lse = 0, neg_delta = 0, turns = 0, next_item = 0, dq_sums = 0, total = 0;
  std::size_t slot_bytes = 0;  // queries, dO and sums of dQ of a slot

  explicit BackwardLayout(const AttentionProblem& problem);

  /// How many of a launch's slots take turns, column by column: the more, the longer it is until
  /// the next column of the same head, whose parts of dQ come after this one's. As many as hold
  /// queries, dO and dQ not much beyond the second-level cache; a divisor of their number.
  std::int32_t slots_in_turn(std::int32_t slots_of_launch) const;
};

/// What the kernels of one call need.
struct BackwardLaunch {
  const BackwardParams& params;
  ColumnPlan plan;
  BackwardLayout layout;
  unsigned char* workspace;
  cudaStream_t stream;
};

/// Queues everything; instantiated in inst_*.cu.
template <typename Config>
void run_backward(const BackwardLaunch& launch);

/// Whether `launch_backward` serves the problem; else those of another implementation must.
bool serves_backward(const AttentionProblem& problem);

/// Bytes of workspace that `launch_backward` needs.
std::size_t backward_workspace(const AttentionProblem& problem);

/// dQ, dK, dV of a problem with bf16 or fp16, head dim 64 or 128 and a plan that
/// `BackwardSchedule` serves. Throws InvalidArgument if memory or strides are no multiples of 16
/// bytes.
void launch_backward(const BackwardParams& params, const RunContext& context);

}  // namespace radial::sm90
