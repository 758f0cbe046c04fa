#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "radial/base/export.h"

namespace radial {

/// `length` neighbouring blocks from `begin` on.
struct BlockRun {
  std::int32_t begin = 0;
  std::int32_t length = 0;
  friend bool operator==(const BlockRun&, const BlockRun&) = default;
};

/// One block mask as runs: for each query block (row) the key blocks it keeps, for each key block
/// (column) the query blocks that keep it, both ascending, disjoint and never touching. Immutable.
class RADIAL_API BlockPattern {
 public:
  BlockPattern() = default;

  std::int32_t num_query_blocks() const { return num_query_blocks_; }  ///< rows QB
  std::int32_t num_key_blocks() const { return num_key_blocks_; }      ///< columns KB

  /// Runs of key blocks that query block `row` keeps.
  std::span<const BlockRun> row_runs(std::int32_t row) const {
    return {runs_by_row_.data() + row_offsets_[row], runs_by_row_.data() + row_offsets_[row + 1]};
  }
  /// Runs of query blocks that keep key block `column`.
  std::span<const BlockRun> column_runs(std::int32_t column) const {
    return {runs_by_column_.data() + column_offsets_[column],
            runs_by_column_.data() + column_offsets_[column + 1]};
  }

  std::int32_t row_size(std::int32_t row) const { return row_sizes_[row]; }  ///< blocks kept
  std::int32_t column_size(std::int32_t column) const { return column_sizes_[column]; }

  /// Rows (columns) by number of kept blocks, largest first, equal ones ascending.
  std::span<const std::int32_t> row_order() const { return row_order_; }
  std::span<const std::int32_t> column_order() const { return column_order_; }

  std::int64_t kept_blocks() const { return kept_blocks_; }
  bool contains(std::int32_t row, std::int32_t column) const;

  // Flat arrays, for uploading: runs of row r are runs_by_row()[row_offsets()[r] .. [r + 1]).
  std::span<const std::int32_t> row_offsets() const { return row_offsets_; }  // [QB + 1]
  std::span<const BlockRun> runs_by_row() const { return runs_by_row_; }
  std::span<const std::int32_t> column_offsets() const { return column_offsets_; }  // [KB + 1]
  std::span<const BlockRun> runs_by_column() const { return runs_by_column_; }
  std::span<const std::int32_t> row_sizes() const { return row_sizes_; }        // [QB]
  std::span<const std::int32_t> column_sizes() const { return column_sizes_; }  // [KB]

  friend bool operator==(const BlockPattern&, const BlockPattern&) = default;

 private:
  friend class BlockPatternBuilder;
  std::int32_t num_query_blocks_ = 0;
  std::int32_t num_key_blocks_ = 0;
  std::int64_t kept_blocks_ = 0;
  std::vector<std::int32_t> row_offsets_, column_offsets_;
  std::vector<BlockRun> runs_by_row_, runs_by_column_;
  std::vector<std::int32_t> row_sizes_, column_sizes_;
  std::vector<std::int32_t> row_order_, column_order_;
};

/// Makes a pattern from its rows, first to last, each given as bits.
class RADIAL_API BlockPatternBuilder {
 public:
  BlockPatternBuilder(std::int32_t num_query_blocks, std::int32_t num_key_blocks);

  /// Words of 64 bits that one row takes; bit c of the row is bit c % 64 of word c / 64.
  std::size_t words_per_row() const { return previous_row_.size(); }

  /// Appends a row. Bits beyond the last column must be clear.
  void add_row(std::span<const std::uint64_t> bits);

  /// The pattern; throws InvalidArgument unless every row was added. The builder is spent.
  BlockPattern finish();

 private:
  struct Event {
    std::int32_t column;
    std::int32_t row;
  };
  void note_changes(std::span<const std::uint64_t> bits);
  void make_columns();

  BlockPattern pattern_;
  std::vector<std::uint64_t> previous_row_;
  std::vector<Event> changes_;  // (column, row) where a column switches on or off, by row
};

}  // namespace radial
