#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "input.h"
#include "radial/plan/block_plan.h"

namespace radial::testing {

/// What holds for every pattern, whoever made it.
inline void check_pattern(const BlockPattern& pattern) {
  const std::int32_t rows = pattern.num_query_blocks(), columns = pattern.num_key_blocks();
  const std::vector<std::uint8_t> dense = to_dense(pattern);
  std::int64_t kept = 0;
  for (std::int32_t row = 0; row < rows; ++row) {
    std::int32_t size = 0, free_from = 0;
    for (const BlockRun& run : pattern.row_runs(row)) {
      RADIAL_HOLDS(run.length > 0 && run.begin >= free_from && run.begin + run.length <= columns);
      free_from = run.begin + run.length + 1;  // runs never touch
      size += run.length;
    }
    RADIAL_HOLDS(size == pattern.row_size(row));
    kept += size;
  }
  RADIAL_HOLDS(kept == pattern.kept_blocks());
  std::int64_t in_columns = 0;
  for (std::int32_t column = 0; column < columns; ++column) {
    std::int32_t size = 0, free_from = 0;
    for (const BlockRun& run : pattern.column_runs(column)) {
      RADIAL_HOLDS(run.length > 0 && run.begin >= free_from && run.begin + run.length <= rows);
      free_from = run.begin + run.length + 1;
      for (std::int32_t i = 0; i < run.length; ++i) {
        RADIAL_HOLDS(
            dense[static_cast<std::size_t>(run.begin + i) * static_cast<std::size_t>(columns) +
                  static_cast<std::size_t>(column)]);
      }
      size += run.length;
    }
    RADIAL_HOLDS(size == pattern.column_size(column));
    in_columns += size;
  }
  RADIAL_HOLDS(in_columns == kept);
}

/// Work order: every row once, the heaviest first.
inline void check_order(const BlockPattern& pattern) {
  std::vector<bool> seen(static_cast<std::size_t>(pattern.num_query_blocks()));
  std::int32_t previous = pattern.num_key_blocks();
  for (const std::int32_t row : pattern.row_order()) {
    RADIAL_HOLDS(!seen[static_cast<std::size_t>(row)]);
    seen[static_cast<std::size_t>(row)] = true;
    RADIAL_HOLDS(pattern.row_size(row) <= previous);
    previous = pattern.row_size(row);
  }
  RADIAL_HOLDS(pattern.row_order().size() == seen.size());
}

/// Every other form comes back as the same pattern.
inline void check_forms(const BlockPattern& pattern) {
  const std::int32_t columns = pattern.num_key_blocks();
  const BlockCsr csr = to_csr(pattern);
  const FlexLists flex = to_flex(pattern);
  RADIAL_HOLDS(pattern_from_dense(to_dense(pattern), pattern.num_query_blocks(), columns) ==
               pattern);
  RADIAL_HOLDS(pattern_from_csr(csr.indptr, csr.indices, columns) == pattern);
  RADIAL_HOLDS(pattern_from_flex(flex.kv_num_blocks, flex.kv_indices, columns) == pattern);
}

}  // namespace radial::testing
