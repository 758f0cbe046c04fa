#include "attention/cuda/sm90/forward/cut.h"

#include <algorithm>

// The figures are of an H100 (docs/performance.md), in steps of whole tiles of head dim 128.

namespace radial::sm90 {
namespace {

/// A thread block that has less is mostly start and end.
constexpr std::int64_t kLeastSteps = 2;

/// Of tiles. Beyond, thread blocks hand out whole tiles well enough.
constexpr std::int64_t kMostWaves = 3;

/// Steps last longer where thread blocks begin their walks at different keys, and share fewer of
/// them in the cache.
constexpr std::int64_t kCutPercent = 110;

/// What writing parts and making them one takes, in steps.
constexpr std::int64_t kMergeSteps = 7;

std::int64_t rounded_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::int32_t blocks_that_cut(const ForwardWork& work) {
  const std::int64_t waves = rounded_up(work.tiles, work.multiprocessors);
  if (waves > kMostWaves) return 0;
  if ((work.steps + 1) * work.multiprocessors >= std::int64_t{1} << 31) return 0;  // see work_begin
  const std::int64_t whole =
      std::max<std::int64_t>(work.longest_row, rounded_up(waves * work.steps, work.tiles));
  const std::int64_t blocks =
      std::min<std::int64_t>(work.multiprocessors, rounded_up(work.steps, kLeastSteps));
  const std::int64_t cut = kCutPercent * rounded_up(work.steps, blocks) + 100 * kMergeSteps;
  return cut < 100 * whole ? static_cast<std::int32_t>(blocks) : 0;
}

}  // namespace radial::sm90
