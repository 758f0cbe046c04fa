#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "attention/cuda/sm90/backward/schedule.h"

namespace radial::sm90 {
namespace {

BlockPattern random_pattern(std::int32_t rows, std::int32_t columns, double density, bool sink,
                            std::uint32_t seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution keeps(density);
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(rows) * columns);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = keeps(random) || (sink && i % columns == 0);
  }
  return pattern_from_dense(blocks, rows, columns);
}

std::vector<BlockPattern> two_patterns(std::uint32_t seed) {
  return {random_pattern(9, 13, 0.3, true, seed), random_pattern(9, 13, 0.5, true, seed + 100)};
}

/// Turns of each query block in the order in which its columns are taken.
std::map<std::int32_t, std::vector<int>> turns_by_row(const BackwardSchedule& schedule,
                                                      std::int32_t first_offset, bool longs_first) {
  std::map<std::int32_t, std::vector<int>> turns;
  const auto take = [&](std::size_t begin, std::size_t end) {
    for (std::size_t place = begin; place < end; ++place) {
      const std::int32_t* offset = schedule.offsets.data() + first_offset + schedule.order[place];
      for (std::int32_t i = offset[0]; i < offset[1]; ++i) {
        const ColumnEntry& entry = schedule.entries[i];
        turns[entry.query_block].push_back(longs_first ? entry.turn_longs_first
                                                       : entry.turn_longs_last);
      }
    }
  };
  const std::size_t num_long = schedule.num_long, all = schedule.order.size();
  if (longs_first) take(0, num_long);
  take(num_long, all);
  if (!longs_first) take(0, num_long);
  return turns;
}

TEST(BackwardSchedule, EachQueryBlockTakesItsKeyBlocksInTheOrderOfTheSchedule) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    const std::vector<BlockPattern> patterns = two_patterns(seed);
    const BackwardSchedule schedule = BackwardSchedule::build(patterns);
    for (int pattern = 0; pattern < 2; ++pattern) {
      for (const bool longs_first : {true, false}) {
        for (const auto& [row, turns] : turns_by_row(schedule, pattern * 14, longs_first)) {
          ASSERT_EQ(static_cast<int>(turns.size()), patterns[pattern].row_size(row));
          for (int i = 0; i < static_cast<int>(turns.size()); ++i) {
            ASSERT_EQ(turns[i], i) << "seed " << seed << ", row " << row;
          }
        }
      }
    }
  }
}

TEST(BackwardSchedule, ListsTheQueryBlocksOfEachColumnAscending) {
  const std::vector<BlockPattern> patterns = two_patterns(7);
  const BackwardSchedule schedule = BackwardSchedule::build(patterns);
  for (int pattern = 0; pattern < 2; ++pattern) {
    for (std::int32_t column = 0; column < 13; ++column) {
      std::int32_t i = schedule.offsets[pattern * 14 + column];
      for (const BlockRun& run : patterns[pattern].column_runs(column)) {
        for (std::int32_t row = run.begin; row < run.begin + run.length; ++row, ++i) {
          ASSERT_EQ(schedule.entries[i].query_block, row);
        }
      }
      ASSERT_EQ(i, schedule.offsets[pattern * 14 + column + 1]);
    }
  }
}

TEST(BackwardSchedule, SetsLongColumnsApart) {
  const std::vector<BlockPattern> patterns{random_pattern(40, 40, 0.1, true, 3)};
  const BackwardSchedule schedule = BackwardSchedule::build(patterns);
  EXPECT_GE(schedule.num_long, 1);
  EXPECT_EQ(std::count(schedule.order.begin(), schedule.order.begin() + schedule.num_long, 0), 1);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(schedule.contributors[i], patterns[0].row_size(i));
  }
}

}  // namespace
}  // namespace radial::sm90
