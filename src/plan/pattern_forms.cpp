// Block patterns from and to the forms that other libraries use.

#include <algorithm>
#include <limits>

#include "plan/row_bits.h"
#include "radial/base/error.h"
#include "radial/plan/block_plan.h"

namespace radial {
namespace {

/// Sets the listed columns; they must ascend and lie in [0, num_columns).
void set_ascending(RowBits& bits, std::span<const std::int32_t> columns, std::int32_t num_columns,
                   std::string_view argument, std::size_t row) {
  std::int32_t previous = -1;
  for (const std::int32_t column : columns) {
    RADIAL_REQUIRE(column >= 0 && column < num_columns, argument, ": expected columns in [0, ",
                   num_columns, "), got ", column, " in row ", row);
    RADIAL_REQUIRE(column > previous, argument, ": expected ascending columns, got ", column,
                   " after ", previous, " in row ", row);
    previous = column;
    bits.set(column);
  }
}

std::int32_t checked_count(std::size_t count, std::string_view what) {
  RADIAL_REQUIRE(count <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()), what,
                 ": expected at most 2^31 - 1, got ", count);
  return static_cast<std::int32_t>(count);
}

}  // namespace

BlockPattern pattern_from_dense(std::span<const std::uint8_t> blocks, std::int32_t num_query_blocks,
                                std::int32_t num_key_blocks) {
  BlockPatternBuilder builder(num_query_blocks, num_key_blocks);
  const auto rows = static_cast<std::size_t>(num_query_blocks);
  const auto columns = static_cast<std::size_t>(num_key_blocks);
  RADIAL_REQUIRE(blocks.size() == rows * columns, "block_mask: expected ", rows, " x ", columns,
                 " values, got ", blocks.size());
  RowBits bits(num_key_blocks);
  for (std::size_t row = 0; row < rows; ++row) {
    bits.clear();
    for (std::size_t column = 0; column < columns; ++column) {
      if (blocks[row * columns + column]) bits.set(static_cast<std::int32_t>(column));
    }
    builder.add_row(bits.bits());
  }
  return builder.finish();
}

BlockPattern pattern_from_csr(std::span<const std::int32_t> indptr,
                              std::span<const std::int32_t> indices, std::int32_t num_key_blocks) {
  RADIAL_REQUIRE(indptr.size() >= 2 && indptr.front() == 0,
                 "indptr: expected at least two values, the first 0");
  RADIAL_REQUIRE(indptr.back() >= 0 && static_cast<std::size_t>(indptr.back()) == indices.size(),
                 "indptr: expected the last value to be the number of indices, ", indices.size(),
                 ", got ", indptr.back());
  BlockPatternBuilder builder(checked_count(indptr.size() - 1, "rows"), num_key_blocks);
  RowBits bits(num_key_blocks);
  for (std::size_t row = 0; row + 1 < indptr.size(); ++row) {
    const std::int32_t begin = indptr[row], end = indptr[row + 1];
    RADIAL_REQUIRE(begin <= end && static_cast<std::size_t>(end) <= indices.size(),
                   "indptr: expected ascending values up to ", indices.size(), ", got ", begin,
                   " then ", end, " at row ", row);
    bits.clear();
    set_ascending(
        bits,
        indices.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
        num_key_blocks, "indices", row);
    builder.add_row(bits.bits());
  }
  return builder.finish();
}

BlockPattern pattern_from_flex(std::span<const std::int32_t> kv_num_blocks,
                               std::span<const std::int32_t> kv_indices,
                               std::int32_t num_key_blocks) {
  BlockPatternBuilder builder(checked_count(kv_num_blocks.size(), "rows"), num_key_blocks);
  const auto columns = static_cast<std::size_t>(num_key_blocks);
  RADIAL_REQUIRE(kv_indices.size() == kv_num_blocks.size() * columns, "kv_indices: expected ",
                 kv_num_blocks.size(), " x ", columns, " values, got ", kv_indices.size());
  RowBits bits(num_key_blocks);
  for (std::size_t row = 0; row < kv_num_blocks.size(); ++row) {
    const std::int32_t count = kv_num_blocks[row];
    RADIAL_REQUIRE(count >= 0 && count <= num_key_blocks, "kv_num_blocks: expected 0 to ",
                   num_key_blocks, ", got ", count, " in row ", row);
    bits.clear();
    set_ascending(bits, kv_indices.subspan(row * columns, static_cast<std::size_t>(count)),
                  num_key_blocks, "kv_indices", row);
    builder.add_row(bits.bits());
  }
  return builder.finish();
}

std::vector<std::uint8_t> to_dense(const BlockPattern& pattern) {
  const auto columns = static_cast<std::size_t>(pattern.num_key_blocks());
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(pattern.num_query_blocks()) * columns);
  for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
    std::uint8_t* const line = blocks.data() + static_cast<std::size_t>(row) * columns;
    for (const BlockRun& run : pattern.row_runs(row)) {
      std::fill_n(line + run.begin, run.length, std::uint8_t{1});
    }
  }
  return blocks;
}

BlockCsr to_csr(const BlockPattern& pattern) {
  RADIAL_REQUIRE(pattern.kept_blocks() <= std::numeric_limits<std::int32_t>::max(),
                 "block mask: ", pattern.kept_blocks(), " kept blocks do not fit int32 indices");
  BlockCsr csr;
  csr.indptr.reserve(static_cast<std::size_t>(pattern.num_query_blocks()) + 1);
  csr.indptr.push_back(0);
  csr.indices.reserve(static_cast<std::size_t>(pattern.kept_blocks()));
  for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
    for (const BlockRun& run : pattern.row_runs(row)) {
      for (std::int32_t i = 0; i < run.length; ++i) csr.indices.push_back(run.begin + i);
    }
    csr.indptr.push_back(static_cast<std::int32_t>(csr.indices.size()));
  }
  return csr;
}

FlexLists to_flex(const BlockPattern& pattern) {
  const auto columns = static_cast<std::size_t>(pattern.num_key_blocks());
  const auto rows = static_cast<std::size_t>(pattern.num_query_blocks());
  FlexLists lists{{pattern.row_sizes().begin(), pattern.row_sizes().end()},
                  std::vector<std::int32_t>(rows * columns, 0)};
  for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
    std::size_t place = static_cast<std::size_t>(row) * columns;
    for (const BlockRun& run : pattern.row_runs(row)) {
      for (std::int32_t i = 0; i < run.length; ++i) lists.kv_indices[place++] = run.begin + i;
    }
  }
  return lists;
}

std::string to_text(const BlockPattern& pattern) {
  const auto line = static_cast<std::size_t>(pattern.num_key_blocks()) + 1;
  std::string text(line * static_cast<std::size_t>(pattern.num_query_blocks()), '0');
  for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
    char* const begin = text.data() + static_cast<std::size_t>(row) * line;
    begin[line - 1] = '\n';
    for (const BlockRun& run : pattern.row_runs(row)) {
      std::fill_n(begin + run.begin, run.length, '1');
    }
  }
  return text;
}

}  // namespace radial
