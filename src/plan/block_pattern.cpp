#include "radial/plan/block_pattern.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "radial/base/error.h"

namespace radial {
namespace {

constexpr std::int64_t kMaxRuns = std::numeric_limits<std::int32_t>::max();

/// First column from `from` on whose bit is `value`, or `num_columns`.
std::int32_t find_bit(std::span<const std::uint64_t> bits, std::int32_t from, bool value,
                      std::int32_t num_columns) {
  const std::uint64_t flip = value ? 0 : ~std::uint64_t{0};
  const auto first_word = static_cast<std::size_t>(from) / 64;
  for (std::size_t word = first_word; word < bits.size(); ++word) {
    std::uint64_t candidates = bits[word] ^ flip;
    if (word == first_word) candidates &= ~std::uint64_t{0} << (from % 64);
    if (candidates) {
      const auto found = static_cast<std::int32_t>(word * 64) + std::countr_zero(candidates);
      return std::min(found, num_columns);
    }
  }
  return num_columns;
}

/// Indices of `sizes`, largest first, equal ones ascending (counting sort: sizes are small).
std::vector<std::int32_t> heaviest_first(std::span<const std::int32_t> sizes) {
  const std::int32_t largest = *std::ranges::max_element(sizes);
  std::vector<std::int32_t> next(static_cast<std::size_t>(largest) + 2, 0);
  for (const std::int32_t size : sizes) ++next[static_cast<std::size_t>(largest - size) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<std::int32_t> order(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto bucket = static_cast<std::size_t>(largest - sizes[i]);
    order[static_cast<std::size_t>(next[bucket]++)] = static_cast<std::int32_t>(i);
  }
  return order;
}

}  // namespace

bool BlockPattern::contains(std::int32_t row, std::int32_t column) const {
  const auto runs = row_runs(row);
  const auto after = std::ranges::upper_bound(runs, column, {}, &BlockRun::begin);
  return after != runs.begin() && column < (after - 1)->begin + (after - 1)->length;
}

BlockPatternBuilder::BlockPatternBuilder(std::int32_t num_query_blocks,
                                         std::int32_t num_key_blocks) {
  RADIAL_REQUIRE(num_query_blocks > 0 && num_key_blocks > 0,
                 "block mask: expected at least one block each way, got ", num_query_blocks, " x ",
                 num_key_blocks);
  pattern_.num_query_blocks_ = num_query_blocks;
  pattern_.num_key_blocks_ = num_key_blocks;
  pattern_.row_offsets_.reserve(static_cast<std::size_t>(num_query_blocks) + 1);
  pattern_.row_offsets_.push_back(0);
  pattern_.row_sizes_.reserve(static_cast<std::size_t>(num_query_blocks));
  previous_row_.resize((static_cast<std::size_t>(num_key_blocks) + 63) / 64, 0);
}

void BlockPatternBuilder::add_row(std::span<const std::uint64_t> bits) {
  const std::int32_t num_columns = pattern_.num_key_blocks_;
  RADIAL_REQUIRE(bits.size() == previous_row_.size(), "row of a block mask: expected ",
                 previous_row_.size(), " words, got ", bits.size());
  std::int32_t size = 0;
  for (std::int32_t begin = find_bit(bits, 0, true, num_columns); begin < num_columns;) {
    const std::int32_t end = find_bit(bits, begin, false, num_columns);
    pattern_.runs_by_row_.push_back({begin, end - begin});
    size += end - begin;
    begin = end < num_columns ? find_bit(bits, end, true, num_columns) : num_columns;
  }
  RADIAL_REQUIRE(static_cast<std::int64_t>(pattern_.runs_by_row_.size()) <= kMaxRuns,
                 "block mask: more than 2^31 - 1 runs of blocks");
  note_changes(bits);
  pattern_.row_offsets_.push_back(static_cast<std::int32_t>(pattern_.runs_by_row_.size()));
  pattern_.row_sizes_.push_back(size);
  pattern_.kept_blocks_ += size;
}

void BlockPatternBuilder::note_changes(std::span<const std::uint64_t> bits) {
  const auto row = static_cast<std::int32_t>(pattern_.row_sizes_.size());
  for (std::size_t word = 0; word < bits.size(); ++word) {
    for (std::uint64_t changed = bits[word] ^ previous_row_[word]; changed;
         changed &= changed - 1) {
      changes_.push_back({static_cast<std::int32_t>(word * 64) + std::countr_zero(changed), row});
    }
    previous_row_[word] = bits[word];
  }
}

BlockPattern BlockPatternBuilder::finish() {
  RADIAL_REQUIRE(
      static_cast<std::int32_t>(pattern_.row_sizes_.size()) == pattern_.num_query_blocks_,
      "block mask: expected ", pattern_.num_query_blocks_, " rows, got ",
      pattern_.row_sizes_.size());
  // A column that is still on is switched off after the last row.
  const std::vector<std::uint64_t> nothing(previous_row_.size(), 0);
  note_changes(nothing);
  make_columns();
  pattern_.row_order_ = heaviest_first(pattern_.row_sizes_);
  pattern_.column_order_ = heaviest_first(pattern_.column_sizes_);
  return std::move(pattern_);
}

void BlockPatternBuilder::make_columns() {
  const auto num_columns = static_cast<std::size_t>(pattern_.num_key_blocks_);
  RADIAL_REQUIRE(static_cast<std::int64_t>(changes_.size() / 2) <= kMaxRuns,
                 "block mask: more than 2^31 - 1 runs of blocks");
  // Changes come by row, so a stable counting sort by column leaves each column's rows ascending:
  // on, off, on, off, ...
  std::vector<std::int64_t> next(num_columns + 1, 0);
  for (const Event& change : changes_) ++next[static_cast<std::size_t>(change.column) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  pattern_.column_offsets_.resize(num_columns + 1);
  for (std::size_t column = 0; column <= num_columns; ++column) {
    pattern_.column_offsets_[column] = static_cast<std::int32_t>(next[column] / 2);
  }
  pattern_.runs_by_column_.resize(changes_.size() / 2);
  pattern_.column_sizes_.assign(num_columns, 0);
  for (const Event& change : changes_) {
    const auto column = static_cast<std::size_t>(change.column);
    const std::int64_t place = next[column]++;
    BlockRun& run = pattern_.runs_by_column_[static_cast<std::size_t>(place / 2)];
    if (place % 2 == 0) {
      run.begin = change.row;
    } else {
      run.length = change.row - run.begin;
      pattern_.column_sizes_[column] += run.length;
    }
  }
  changes_ = {};
}

}  // namespace radial
