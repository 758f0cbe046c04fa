// Which tile of the Hopper forward comes when, and which keys it visits.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "attention/cuda/common/joined_rows.h"
#include "attention/cuda/sm90/forward/cut.h"
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

/// Two patterns, with and without a pattern for each head, whose tiles are cut for some numbers of
/// thread blocks.
class Cut : public ::testing::Test {
 protected:
  static constexpr std::int32_t kRows = 6, kColumns = 9, kHeads = 3, kSamples = 2;

  Cut() {
    for (const unsigned seed : {3u, 4u}) {
      std::mt19937 random(seed);
      std::vector<std::uint8_t> blocks(kRows * kColumns);
      for (auto& block : blocks) block = random() % 3 != 0;
      std::fill_n(blocks.begin() + kColumns, kColumns, 0);  // a row that sees nothing
      patterns_.push_back(pattern_from_dense(blocks, kRows, kColumns));
    }
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    for (const BlockPattern& pattern : patterns_) {
      for (const std::int32_t offset : pattern.row_offsets()) {
        offsets_.push_back(static_cast<std::int32_t>(runs_.size()) + offset);
      }
      append(runs_, pattern.runs_by_row());
      append(sizes_, pattern.row_sizes());
      work_.push_back(0);
      for (const std::int32_t size : pattern.row_sizes()) {
        work_.push_back(work_.back() + std::max(size, 1));
      }
    }
  }

  ForwardKernelParams params(bool by_head, std::int32_t keys) const {
    ForwardKernelParams p = {};
    p.plan.offsets = offsets_.data();
    p.plan.runs = runs_.data();
    p.plan.sizes = sizes_.data();
    p.plan.work = work_.data();
    p.plan.maybe_head_patterns = by_head ? head_patterns_.data() : nullptr;
    p.plan.rows = p.rows = kRows;
    p.heads = kHeads;
    p.slots = kSamples * kHeads;
    p.key_tokens = keys;
    for (std::int32_t head = 0; head < kHeads; ++head) {
      p.cut_work += kSamples * work_[(by_head ? head_patterns_[head] : 0) * (kRows + 1) + kRows];
    }
    return p;
  }

  std::vector<BlockPattern> patterns_;
  std::vector<std::int32_t> offsets_, sizes_, work_, head_patterns_ = {1, 0, 1};
  std::vector<BlockRun> runs_;
};

struct WalkedPart {
  std::int32_t partial;
  std::vector<std::int32_t> blocks;
};

/// What the thread blocks do of each tile, in their order.
std::map<std::int32_t, std::vector<WalkedPart>> walk_parts(const ForwardKernelParams& p,
                                                           std::int32_t blocks) {
  std::map<std::int32_t, std::vector<WalkedPart>> tiles;
  for (std::int32_t block = 0; block < blocks; ++block) {
    const std::int32_t end = work_begin(p.cut_work, block + 1, blocks);
    for (std::int32_t from = work_begin(p.cut_work, block, blocks); from < end;) {
      const TilePlace place(p, from);
      const TilePart part = place.part(from, end, block);
      const Tile tile = tile_at(p, place.index(p));
      RowWalk walk(p, tile, part);
      WalkedPart walked{part.partial, {}};
      for (std::int32_t step = 0; step < walk.steps; ++step) {
        if (step > 0) walk.advance();
        walked.blocks.push_back(walk.block);
      }
      if (walk.steps > 0) {
        EXPECT_EQ(walk.first_keys, std::min(128, p.key_tokens - 128 * walked.blocks[0]));
      }
      tiles[place.slot * p.rows + tile.row].push_back(walked);
      from = place.begin + part.end;
    }
  }
  return tiles;
}

TEST_F(Cut, PartsOfEachTileAreAllItsStepsInOrder) {
  for (const bool by_head : {false, true}) {
    for (const std::int32_t keys : {1, 300, kColumns * 128 - 5, kColumns * 128}) {
      const ForwardKernelParams p = params(by_head, keys);
      for (const std::int32_t blocks : {1, 2, 7, 40, 100}) {
        auto tiles = walk_parts(p, blocks);
        ASSERT_EQ(tiles.size(), static_cast<std::size_t>(p.slots * p.rows));
        for (std::int32_t slot = 0; slot < p.slots; ++slot) {
          const std::int32_t pattern = by_head ? head_patterns_[slot % kHeads] : 0;
          for (std::int32_t row = 0; row < p.rows; ++row) {
            std::vector<std::int32_t> expected, found;
            RowWalk whole(p, {slot / kHeads, slot % kHeads, row, pattern});
            for (std::int32_t step = 0; step < whole.steps; ++step) {
              if (step > 0) whole.advance();
              expected.push_back(whole.block);
            }
            const auto& parts = tiles[slot * p.rows + row];
            for (const WalkedPart& part : parts) {
              found.insert(found.end(), part.blocks.begin(), part.blocks.end());
              EXPECT_EQ(part.partial < 0, parts.size() == 1);
            }
            ASSERT_EQ(found, expected)
                << blocks << " thread blocks, slot " << slot << ", row " << row;
          }
        }
      }
    }
  }
}

TEST_F(Cut, EachCutTileIsFoundOnceWithThePlacesOfItsParts) {
  for (const bool by_head : {false, true}) {
    const ForwardKernelParams p = params(by_head, kColumns * 128);
    for (const std::int32_t blocks : {1, 2, 7, 40, 100}) {
      std::map<std::int32_t, std::vector<std::int32_t>> expected, found;
      std::set<std::int32_t> places;
      for (const auto& [tile, parts] : walk_parts(p, blocks)) {
        if (parts.size() == 1) continue;
        for (const WalkedPart& part : parts) {
          expected[tile].push_back(part.partial);
          EXPECT_TRUE(places.insert(part.partial).second);
          EXPECT_LT(part.partial, 2 * blocks);
        }
      }
      for (std::int32_t block = 1; block < blocks; ++block) {
        const CutTile tile(p, block, blocks);
        auto& parts = found[tile.slot * p.rows + tile.row];
        EXPECT_TRUE(tile.count == 0 || parts.empty());
        for (std::int32_t i = 0; i < tile.count; ++i) parts.push_back(tile.partial(i));
      }
      std::erase_if(found, [](const auto& entry) { return entry.second.empty(); });
      EXPECT_EQ(found, expected) << blocks << " thread blocks";
    }
  }
}

TEST(BlocksThatCut, CutsWhereWholeTilesLeaveTheGpuIdle) {
  const auto blocks = [](std::int64_t heads, std::int64_t rows, std::int32_t longest) {
    return blocks_that_cut({heads * rows, heads * rows * longest, longest, 132});
  };
  EXPECT_EQ(blocks(1, 64, 64), 132);    // 8k tokens, all blocks: half the GPU
  EXPECT_EQ(blocks(1, 1, 1000), 132);   // one tile
  EXPECT_EQ(blocks(1, 188, 188), 132);  // a wave and a half
  EXPECT_EQ(blocks(1, 128, 128), 0);    // a full wave
  EXPECT_EQ(blocks(12, 540, 155), 0);   // many
  EXPECT_EQ(blocks(1, 2, 2), 0);        // not worth it
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
