#include "radial/plan/block_plan.h"

#include <gtest/gtest.h>

#include "support/throws.h"

namespace radial {
namespace {

using testing::expect_refused;

BlockPattern full(std::int32_t rows, std::int32_t columns) {
  const auto count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  return pattern_from_dense(std::vector<std::uint8_t>(count, 1), rows, columns);
}

TEST(BlockPlan, CountsPairsWithRaggedEnds) {
  const BlockPlan plan = BlockPlan::from_patterns({full(2, 3)}, {}, 128, 130, 300);
  EXPECT_EQ(plan.query_tail(), 2);
  EXPECT_EQ(plan.key_tail(), 44);
  EXPECT_EQ(plan.kept_pairs(), 130 * 300);
}

TEST(BlockPlan, GivesEachHeadItsPattern) {
  const BlockPattern diagonal = pattern_from_dense(std::vector<std::uint8_t>{1, 0, 0, 1}, 2, 2);
  const BlockPlan plan =
      BlockPlan::from_patterns({full(2, 2), diagonal}, {1, 0, 1}, 64, 128, 128, 20);
  EXPECT_EQ(plan.pattern(0), diagonal);
  EXPECT_EQ(plan.pattern(1).kept_blocks(), 4);
  EXPECT_EQ(plan.text_begin(), 108);
  EXPECT_EQ(plan.kept_pairs(2), 2 * 64 * 64);
}

TEST(BlockPlan, RefusesPatternsThatDoNotFit) {
  expect_refused([] { BlockPlan::from_patterns({full(2, 2)}, {}, 96, 200, 200); }, {"block_size"});
  expect_refused([] { BlockPlan::from_patterns({full(2, 2)}, {}, 128, 300, 200); },
                 {"patterns", "3 x 2", "2 x 2"});
  expect_refused(
      [] {
        BlockPlan::from_patterns({full(2, 2)}, {0, 1}, 128, 200, 200);
      },
      {"head_patterns", "got 1"});
  expect_refused([] { BlockPlan::from_patterns({}, {}, 128, 200, 200); }, {"patterns"});
  expect_refused([] { BlockPlan::from_patterns({full(2, 2)}, {}, 128, 200, 200, 201); },
                 {"text_tokens"});
}

TEST(BlockPlan, DensitiesOfTheDefaultRule) {
  struct Expected {
    std::int32_t frames, grid_h, grid_w;
    double density;
  };
  // Decay 0.2, sink, block 128; rounded to three places where the rule was chosen.
  for (const Expected& e : {Expected{21, 45, 80, 0.273}, Expected{81, 45, 80, 0.128},
                            Expected{21, 30, 52, 0.378}, Expected{18, 48, 80, 0.299}}) {
    const VideoLayout layout{.frames = e.frames, .grid_h = e.grid_h, .grid_w = e.grid_w};
    const BlockPlan plan = BlockPlan::build(RadialMask(layout, {.decay_factor = 0.2}));
    EXPECT_NEAR(plan.stats().density, e.density, 5e-4);
    EXPECT_TRUE(plan.warnings().empty());
  }
}

TEST(BlockPlan, SaysWhatItWasMadeFrom) {
  const VideoLayout layout{.frames = 3, .grid_h = 8, .grid_w = 16};
  const RadialMask mask(layout, {.rule = "released-v1", .decay_factor = 0.2});
  EXPECT_EQ(
      BlockPlan::build(mask).description(),
      "released-v1 1, decay 0.2, sink 1, half neighbour frames, thinned below 128, block 128; "
      "3 x 8 x 16 tokens, raster");
}

}  // namespace
}  // namespace radial
