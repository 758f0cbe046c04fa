#include "attention/cuda/common/joined_rows.h"

#include <algorithm>
#include <numeric>
#include <span>

namespace radial {
namespace {

/// Key blocks that either of two rows keeps, ascending, each with the bits of who keeps it.
std::vector<std::int32_t> kept_by_either(std::span<const BlockRun> first,
                                         std::span<const BlockRun> second) {
  std::vector<std::int32_t> kept;
  const auto append = [&](std::span<const BlockRun> runs, std::int32_t bit) {
    for (const BlockRun& run : runs) {
      for (std::int32_t block = run.begin; block < run.begin + run.length; ++block) {
        kept.push_back(block | bit);
      }
    }
  };
  append(first, 1 << 30);
  append(second, 1 << 29);
  const auto block_of = [](std::int32_t entry) { return entry & JoinedStep::kBlockBits; };
  std::ranges::sort(kept, {}, block_of);
  std::size_t size = 0;
  for (const std::int32_t entry : kept) {
    if (size > 0 && block_of(kept[size - 1]) == block_of(entry)) {
      kept[size - 1] |= entry;
    } else {
      kept[size++] = entry;
    }
  }
  kept.resize(size);
  return kept;
}

}  // namespace

JoinedRows::JoinedRows(const BlockPattern& pattern) {
  const std::int32_t rows = pattern.num_query_blocks();
  offsets.push_back(0);
  for (std::int32_t row = 0; row < rows; row += 2) {
    const std::span<const BlockRun> second =
        row + 1 < rows ? pattern.row_runs(row + 1) : std::span<const BlockRun>();
    const std::vector<std::int32_t> kept = kept_by_either(pattern.row_runs(row), second);
    std::size_t next = 0;
    if (kept.size() % 2 == 1) {
      steps.push_back({kept[0], kept[0] & JoinedStep::kBlockBits});  // its other half: kept by none
      next = 1;
    }
    for (; next < kept.size(); next += 2) steps.push_back({kept[next], kept[next + 1]});
    offsets.push_back(static_cast<std::int32_t>(steps.size()));
    sizes.push_back(offsets.back() - offsets[offsets.size() - 2]);
  }
  order.resize(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{}, [&](std::int32_t row) { return sizes[row]; });
}

}  // namespace radial
