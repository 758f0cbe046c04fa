#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "attention/cuda/sm90/forward/params.cuh"

// Which tile comes when, and which keys it visits: all of it without intrinsics.

namespace radial::sm90 {

/// One tile of queries.
struct Tile {
  std::int32_t sample, head, row, pattern;
};

/// Tile number `index`. Samples and heads one after the other, so that their keys stay in the
/// cache; rows downwards, as `RowWalk` walks. The last few heads go together, longest rows first,
/// so that all thread blocks end at about the same time.
__host__ __device__ inline Tile tile_at(const ForwardKernelParams& p, std::int32_t index) {
  const std::int32_t plain = (p.slots - p.balanced_slots) * p.rows;
  const bool balanced = index >= plain;
  const std::int32_t rest = balanced ? index - plain : index;
  const std::int32_t slot =
      balanced ? p.slots - p.balanced_slots + rest % p.balanced_slots : rest / p.rows;
  const std::int32_t position = balanced ? rest / p.balanced_slots : rest % p.rows;
  Tile tile;
  tile.sample = slot / p.heads;
  tile.head = slot % p.heads;
  tile.pattern = p.plan.maybe_head_patterns ? p.plan.maybe_head_patterns[tile.head] : 0;
  tile.row = balanced ? p.plan.order[tile.pattern * p.rows + position] : p.rows - 1 - position;
  return tile;
}

/// End of the keys that sample `sample` sees.
__host__ __device__ inline std::int32_t valid_keys(const ForwardKernelParams& p,
                                                   std::int32_t sample) {
  if (!p.maybe_text_lengths) return p.key_tokens;
  const std::int32_t end = p.text_begin + p.maybe_text_lengths[sample];
  return end < p.key_tokens ? end : p.key_tokens;
}

/// Walks the blocks of 128 keys of one row downwards: only the first can be cut by the end of the
/// keys.
struct RowWalk {
  const BlockRun* run;      // the run being walked
  std::int32_t block;       // key block of this step
  std::int32_t run_begin;   // first block of the run
  std::int32_t steps;       // that the row takes
  std::int32_t first_keys;  // valid keys of the first step, 1 to 128

  __host__ __device__ RowWalk(const ForwardKernelParams& p, const Tile& tile) {
    const std::int32_t* offsets = p.plan.offsets + tile.pattern * (p.rows + 1) + tile.row;
    const std::int32_t valid = valid_keys(p, tile.sample);
    const std::int32_t end_block = (valid + 127) / 128;
    const BlockRun* first = p.plan.runs + offsets[0];
    run = p.plan.runs + offsets[1] - 1;
    steps = p.plan.sizes[tile.pattern * p.rows + tile.row];
    while (run >= first && run->begin >= end_block) steps -= (run--)->length;
    block = run_begin = first_keys = 0;
    if (steps == 0) return;
    run_begin = run->begin;
    const std::int32_t run_end = run_begin + run->length;
    block = run_end - 1;
    if (run_end > end_block) {
      steps -= run_end - end_block;
      block = end_block - 1;
    }
    first_keys = valid - block * 128 < 128 ? valid - block * 128 : 128;
  }

  /// To the next block; only while there is one.
  __host__ __device__ void advance() {
    if (block > run_begin) {
      --block;
      return;
    }
    --run;
    run_begin = run->begin;
    block = run_begin + run->length - 1;
  }
};

/// Valid keys of the two halves of a step, a byte each: low half, high half.
constexpr std::uint32_t kAllKeys = 0x4040;

/// Of a step of 128 neighbouring keys of which `keys` are valid.
__host__ __device__ inline std::uint32_t limits_of(std::int32_t keys) {
  const std::uint32_t low = keys < 64 ? keys : 64;
  return low | (keys - low) << 8;
}

/// Of a step of joined blocks; `valid`: end of the keys.
__host__ __device__ inline std::uint32_t limits_of(JoinedStep step, std::int32_t valid) {
  const std::int32_t low = valid - step.low_block() * 64, high = valid - step.high_block() * 64;
  const std::uint32_t low_keys = low < 0 ? 0 : low > 64 ? 64 : low;
  const std::uint32_t high_keys = high < 0 ? 0 : high > 64 ? 64 : high;
  return low_keys | high_keys << 8;
}

/// What the 64 queries of plan row `row` (0 or 1 of the pair) see of a step with such limits.
__host__ __device__ inline std::uint32_t kept_limits(JoinedStep step, int row,
                                                     std::uint32_t limits) {
  return (limits & 0xff) * step.low_kept(row) | (limits & 0xff00) * step.high_kept(row);
}

}  // namespace radial::sm90
