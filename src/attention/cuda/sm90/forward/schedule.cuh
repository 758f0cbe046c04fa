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

/// A tile's share of the work that is cut evenly, for a thread block.
struct TilePart {
  std::int32_t begin = 0, end = 0x7fffffff;  // of the plan's steps, counted as `RowWalk` walks
  std::int32_t partial = -1;                 // place of the results; -1: the tile is whole
};

/// First unit of work of thread block `block` of `blocks`. Work times blocks fits in 31 bits
/// (`blocks_that_cut`): wider divisions take long.
__host__ __device__ inline std::int32_t work_begin(std::int32_t work, std::int32_t block,
                                                   std::int32_t blocks) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(work) *
                                   static_cast<std::uint32_t>(block) /
                                   static_cast<std::uint32_t>(blocks));
}

/// The last of `count` ascending numbers that is not above `x`; the first is not.
__host__ __device__ inline std::int32_t last_not_above(const std::int32_t* numbers,
                                                       std::int32_t count, std::int32_t x) {
  constexpr std::int32_t kProbes = 7;  // at once: a load takes longer than all else
  std::int32_t low = 0;
  for (std::int32_t rest = count; rest > 1;) {
    const std::int32_t step = (rest + kProbes) / (kProbes + 1);
    std::int32_t passed = 0;
    for (std::int32_t i = 1; i <= kProbes; ++i) {
      passed += i * step < rest && numbers[low + i * step] <= x;
    }
    low += passed * step;
    rest = rest - passed * step < step ? rest - passed * step : step;
  }
  return low;
}

/// The tile that holds a unit of work.
struct TilePlace {
  std::int32_t slot, row, pattern;
  std::int32_t begin, end;  // the tile's work

  __host__ __device__ TilePlace(const ForwardKernelParams& p, std::int32_t unit) {
    const std::int32_t* const patterns = p.plan.maybe_head_patterns;
    slot = pattern = 0;
    begin = 0;
    if (!patterns) {
      slot = unit / p.plan.work[p.rows];
      begin = slot * p.plan.work[p.rows];
    } else {
      for (;; ++slot) {
        pattern = patterns[slot % p.heads];
        const std::int32_t work = p.plan.work[pattern * (p.rows + 1) + p.rows];
        if (unit < begin + work) break;
        begin += work;
      }
    }
    const std::int32_t* const before = p.plan.work + pattern * (p.rows + 1);
    row = last_not_above(before, p.rows, unit - begin);
    end = begin + before[row + 1];
    begin += before[row];
  }

  /// Its number in `tile_at`, where no slots are balanced.
  __host__ __device__ std::int32_t index(const ForwardKernelParams& p) const {
    return slot * p.rows + p.rows - 1 - row;
  }

  /// What thread block `block` does of it from unit `from` to `to`: the first part of a tile goes
  /// to the block's second place, since it is the last that the block does.
  __host__ __device__ TilePart part(std::int32_t from, std::int32_t to, std::int32_t block) const {
    const std::int32_t stop = to < end ? to : end;
    const bool whole = from == begin && stop == end;
    return {from - begin, stop - begin, whole ? -1 : 2 * block + (from == begin)};
  }
};

/// The parts of a tile that thread blocks cut. Each such tile is found at the first of its cuts.
struct CutTile {
  std::int32_t first = 0, count = 0;  // of its places; 0: another cut than the first, or none
  std::int32_t slot = 0, row = 0;

  /// At the cut before the work of thread block `block`, from 1.
  __host__ __device__ CutTile(const ForwardKernelParams& p, std::int32_t block,
                              std::int32_t blocks) {
    const std::int32_t cut = work_begin(p.cut_work, block, blocks);
    const TilePlace place(p, cut);
    if (cut == place.begin || work_begin(p.cut_work, block - 1, blocks) > place.begin) return;
    first = 2 * (block - 1) + 1;
    slot = place.slot;
    row = place.row;
    // The parts begin before the tile's end, at most: block * work < end * blocks.
    const auto stop = static_cast<std::int32_t>(
        (static_cast<std::uint32_t>(place.end) * static_cast<std::uint32_t>(blocks) +
         static_cast<std::uint32_t>(p.cut_work) - 1) /
        static_cast<std::uint32_t>(p.cut_work));
    count = 1 + (stop < blocks ? stop : blocks) - block;
  }

  /// Place of part `i`.
  __host__ __device__ std::int32_t partial(std::int32_t i) const {
    return i == 0 ? first : first + 2 * i - 1;
  }
};

/// End of the keys that sample `sample` sees.
__host__ __device__ inline std::int32_t valid_keys(const ForwardKernelParams& p,
                                                   std::int32_t sample) {
  if (!p.maybe_text_lengths) return p.key_tokens;
  const std::int32_t end = p.text_begin + p.maybe_text_lengths[sample];
  return end < p.key_tokens ? end : p.key_tokens;
}

/// The steps of a part that have valid keys: `steps` of them after the first `skipped`; `valid` of
/// the row's `size` steps have such keys, those that `RowWalk` comes to last.
struct PartSteps {
  std::int32_t skipped, steps;

  __host__ __device__ PartSteps(const TilePart& part, std::int32_t size, std::int32_t valid) {
    const std::int32_t cut = size - valid;
    const std::int32_t begin = part.begin > cut ? part.begin - cut : 0;
    const std::int32_t end = part.end < size ? part.end - cut : valid;
    skipped = begin;
    steps = end > begin ? end - begin : 0;
  }
};

/// Walks the blocks of 128 keys of one row, or of part of it, downwards: only the row's first can
/// be cut by the end of the keys.
struct RowWalk {
  const BlockRun* run;      // the run being walked
  std::int32_t block;       // key block of this step
  std::int32_t run_begin;   // first block of the run
  std::int32_t steps;       // that the row takes
  std::int32_t first_keys;  // valid keys of the first step, 1 to 128

  __host__ __device__ RowWalk(const ForwardKernelParams& p, const Tile& tile,
                              const TilePart& part = {}) {
    const std::int32_t* offsets = p.plan.offsets + tile.pattern * (p.rows + 1) + tile.row;
    const std::int32_t valid = valid_keys(p, tile.sample);
    const std::int32_t end_block = (valid + 127) / 128;
    const BlockRun* first = p.plan.runs + offsets[0];
    run = p.plan.runs + offsets[1] - 1;
    const std::int32_t size = p.plan.sizes[tile.pattern * p.rows + tile.row];
    steps = size;
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
    const PartSteps mine(part, size, steps);
    steps = mine.steps;
    if (steps > 0) skip(mine.skipped);
    first_keys = valid - block * 128 < 128 ? valid - block * 128 : 128;
  }

  /// Over `count` blocks; only while there are more.
  __host__ __device__ void skip(std::int32_t count) {
    while (count > block - run_begin) {
      count -= block - run_begin + 1;
      --run;
      run_begin = run->begin;
      block = run_begin + run->length - 1;
    }
    block -= count;
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
