// Which tile of the Hopper forward comes when, and which keys it visits.

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>
#include <vector>

#include "attention/cuda/common/joined_rows.h"
#include "attention/cuda/sm90/forward/schedule.cuh"
#include "radial/plan/block_plan.h"

namespace radial::sm90 {
namespace {

BlockPattern random_pattern(unsigned seed, std::int32_t rows, std::int32_t columns) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(rows * columns));
  for (auto& block : blocks) block = random() % 3 != 0;
  return pattern_from_dense(blocks, rows, columns);
}

ForwardKernelParams params_of(const BlockPattern& pattern, std::int32_t keys) {
  ForwardKernelParams p = {};
  p.plan.offsets = pattern.row_offsets().data();
  p.plan.runs = pattern.runs_by_row().data();
  p.plan.sizes = pattern.row_sizes().data();
  p.plan.order = pattern.row_order().data();
  p.rows = pattern.num_query_blocks();
  p.key_tokens = keys;
  return p;
}

TEST(Sm90Schedule, HandsOutEveryTileOnce) {
  const BlockPattern pattern = random_pattern(1, 7, 5);
  ForwardKernelParams p = params_of(pattern, 5 * 128);
  p.heads = 3;
  p.slots = 2 * p.heads;
  for (p.balanced_slots = 1; p.balanced_slots <= p.slots; ++p.balanced_slots) {
    std::set<std::pair<int, int>> seen;
    for (std::int32_t index = 0; index < p.slots * p.rows; ++index) {
      const Tile tile = tile_at(p, index);
      ASSERT_TRUE(tile.row >= 0 && tile.row < p.rows && tile.head < p.heads);
      EXPECT_TRUE(seen.emplace(tile.sample * p.heads + tile.head, tile.row).second);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(p.slots * p.rows));
  }
}

TEST(Sm90Schedule, EndsWithTheShortestRows) {
  const BlockPattern pattern = random_pattern(2, 40, 30);
  ForwardKernelParams p = params_of(pattern, 30 * 128);
  p.heads = 2;
  p.slots = 2;
  p.balanced_slots = 2;
  for (std::int32_t index = 1; index < 80; ++index) {
    EXPECT_LE(pattern.row_size(tile_at(p, index).row), pattern.row_size(tile_at(p, index - 1).row));
  }
}

TEST(Sm90Schedule, WalksTheBlocksThatHaveValidKeysDownwards) {
  const std::int32_t columns = 9;
  for (unsigned seed = 0; seed < 20; ++seed) {
    const BlockPattern pattern = random_pattern(seed, 4, columns);
    for (const std::int32_t valid : {0, 1, 127, 128, 129, 700, 8 * 128, 9 * 128 - 5, 9 * 128}) {
      const ForwardKernelParams p = params_of(pattern, valid);
      for (std::int32_t row = 0; row < 4; ++row) {
        std::vector<std::int32_t> expected;
        for (std::int32_t block = columns - 1; block >= 0; --block) {
          if (block * 128 < valid && pattern.contains(row, block)) expected.push_back(block);
        }
        RowWalk walk(p, {0, 0, row, 0});
        std::vector<std::int32_t> visited;
        for (std::int32_t step = 0; step < walk.steps; ++step) {
          if (step > 0) walk.advance();
          visited.push_back(walk.block);
        }
        ASSERT_EQ(visited, expected) << "seed " << seed << " row " << row << " valid " << valid;
        if (!expected.empty()) {
          EXPECT_EQ(walk.first_keys, std::min(128, valid - expected.front() * 128));
        }
      }
    }
  }
}

TEST(JoinedRows, StepsCoverBothRowsAndNothingElse) {
  for (const std::int32_t rows : {1, 4, 7}) {
    const BlockPattern pattern = random_pattern(static_cast<unsigned>(rows), rows, 11);
    const JoinedRows joined(pattern);
    ASSERT_EQ(joined.sizes.size(), static_cast<std::size_t>((rows + 1) / 2));
    for (std::int32_t pair = 0; pair < (rows + 1) / 2; ++pair) {
      std::multiset<std::pair<int, int>> covered, expected;
      for (std::int32_t i = joined.offsets[pair]; i < joined.offsets[pair + 1]; ++i) {
        const JoinedStep step = joined.steps[i];
        EXPECT_LE(step.low_block(), step.high_block());
        if (i > joined.offsets[pair]) {
          EXPECT_GT(step.low_block(), joined.steps[i - 1].high_block());
        }
        for (const int row : {0, 1}) {
          if (step.low_kept(row)) covered.emplace(row, step.low_block());
          if (step.high_kept(row)) covered.emplace(row, step.high_block());
        }
      }
      for (const int row : {0, 1}) {
        for (std::int32_t block = 0; block < 11 && 2 * pair + row < rows; ++block) {
          if (pattern.contains(2 * pair + row, block)) expected.emplace(row, block);
        }
      }
      EXPECT_EQ(covered, expected);
      EXPECT_EQ(joined.sizes[pair], joined.offsets[pair + 1] - joined.offsets[pair]);
    }
  }
}

TEST(Sm90Schedule, LimitsSayHowManyKeysOfEachHalfAreSeen) {
  EXPECT_EQ(limits_of(128), kAllKeys);
  EXPECT_EQ(limits_of(1), 0x0001u);
  EXPECT_EQ(limits_of(64), 0x0040u);
  EXPECT_EQ(limits_of(70), 0x0640u);
  const JoinedStep step{2 | 1 << 30, 5 | 1 << 29 | 1 << 30};  // row 1 keeps block 5 only
  EXPECT_EQ(limits_of(step, 5 * 64 + 3), 0x0340u);
  EXPECT_EQ(kept_limits(step, 0, 0x0340), 0x0340u);
  EXPECT_EQ(kept_limits(step, 1, 0x0340), 0x0300u);
}

}  // namespace
}  // namespace radial::sm90
