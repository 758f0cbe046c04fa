#include "attention/cuda/sm90/backward/schedule.h"

#include <algorithm>

namespace radial::sm90 {
namespace {

/// Whether a column has more than twice the query blocks of the median one, all patterns together.
std::vector<bool> long_columns(std::span<const BlockPattern> patterns) {
  const std::int32_t num_columns = patterns[0].num_key_blocks();
  std::vector<std::int64_t> sizes(num_columns);
  for (std::int32_t column = 0; column < num_columns; ++column) {
    for (const BlockPattern& pattern : patterns) sizes[column] += pattern.column_size(column);
  }
  std::vector<std::int64_t> sorted = sizes;
  const auto middle = sorted.begin() + num_columns / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  std::vector<bool> is_long(num_columns);
  for (std::int32_t column = 0; column < num_columns; ++column) {
    is_long[column] = sizes[column] > 2 * *middle;
  }
  return is_long;
}

void add_pattern(const BlockPattern& pattern, const std::vector<bool>& is_long,
                 BackwardSchedule& schedule) {
  const std::int32_t num_rows = pattern.num_query_blocks();
  const std::int32_t num_columns = pattern.num_key_blocks();
  const std::size_t first = schedule.offsets.size();
  schedule.offsets.resize(first + num_columns + 1);
  std::int32_t offset = static_cast<std::int32_t>(schedule.entries.size());
  for (std::int32_t column = 0; column < num_columns; ++column) {
    schedule.offsets[first + column] = offset;
    offset += pattern.column_size(column);
  }
  schedule.offsets[first + num_columns] = offset;
  schedule.entries.resize(offset);

  std::vector<std::uint16_t> num_longs(num_rows), num_others(num_rows);
  const auto for_each_entry = [&](std::int32_t column, auto&& body) {
    ColumnEntry* entry = schedule.entries.data() + schedule.offsets[first + column];
    for (const BlockRun& run : pattern.column_runs(column)) {
      for (std::int32_t row = run.begin; row < run.begin + run.length; ++row) body(row, *entry++);
    }
  };
  for (std::int32_t column = num_columns - 1; column >= 0; --column) {
    std::vector<std::uint16_t>& counts = is_long[column] ? num_longs : num_others;
    for_each_entry(column, [&](std::int32_t row, ColumnEntry& entry) {
      entry = {row, counts[row], counts[row]};
      ++counts[row];
    });
  }
  for (std::int32_t column = 0; column < num_columns; ++column) {
    for_each_entry(column, [&](std::int32_t row, ColumnEntry& entry) {
      if (is_long[column]) {
        entry.turn_longs_last += num_others[row];
      } else {
        entry.turn_longs_first += num_longs[row];
      }
    });
  }
  const std::span<const std::int32_t> row_sizes = pattern.row_sizes();
  schedule.contributors.insert(schedule.contributors.end(), row_sizes.begin(), row_sizes.end());
}

}  // namespace

bool BackwardSchedule::serves(const BlockPlan& plan) {
  return plan.block_size() == kBlockSize && plan.key_tokens() > 0 &&
         plan.patterns()[0].num_key_blocks() <= kMostBlocks;
}

BackwardSchedule BackwardSchedule::build(std::span<const BlockPattern> patterns) {
  BackwardSchedule schedule;
  const std::vector<bool> is_long = long_columns(patterns);
  for (const BlockPattern& pattern : patterns) add_pattern(pattern, is_long, schedule);
  for (const bool longs : {true, false}) {
    for (std::int32_t column = patterns[0].num_key_blocks() - 1; column >= 0; --column) {
      if (is_long[column] == longs) schedule.order.push_back(column);
    }
    if (longs) schedule.num_long = static_cast<std::int32_t>(schedule.order.size());
  }
  return schedule;
}

}  // namespace radial::sm90
