// Every rule but the released ones: a block is kept exactly if it holds an allowed pair of tokens.

#include <gtest/gtest.h>

#include "radial/plan/block_plan.h"
#include "support/random_layout.h"

namespace radial {
namespace {

/// Blocks that hold a pair (q, k) with attends(q, k), by asking for every pair.
std::vector<std::uint8_t> blocks_by_tokens(const RadialMask& mask) {
  const std::int64_t n = mask.layout().total_tokens(), block = mask.options().block_size;
  const std::int64_t blocks = (n + block - 1) / block;
  std::vector<std::uint8_t> grid(static_cast<std::size_t>(blocks * blocks), 0);
  for (std::int64_t q = 0; q < n; ++q) {
    for (std::int64_t k = 0; k < n; ++k) {
      auto& kept = grid[static_cast<std::size_t>(q / block * blocks + k / block)];
      if (!kept && mask.attends(q, k)) kept = 1;
    }
  }
  return grid;
}

bool is_released(const RuleInfo& rule) { return rule.name.starts_with("released"); }

TEST(CoverPlans, KeepExactlyTheBlocksThatHoldAnAllowedPair) {
  constexpr unsigned kSeed = 7;
  constexpr int kCasesPerRule = 60;
  testing::RandomLayouts random(kSeed);
  for (const RuleInfo& rule : mask_rules()) {
    if (is_released(rule)) continue;
    for (int number = 0; number < kCasesPerRule; ++number) {
      const VideoLayout layout = random.layout(900);
      const RadialMask mask(layout, random.options(rule, layout));
      const BlockPlan plan = BlockPlan::build(mask);
      ASSERT_EQ(to_dense(plan.pattern(0)), blocks_by_tokens(mask))
          << "case " << number << " of seed " << kSeed << ": " << mask.to_string();
    }
  }
}

TEST(CoverPlans, OfTheProjectsRulesShowEveryQueryItsWholeFrame) {
  constexpr unsigned kSeed = 11;
  testing::RandomLayouts random(kSeed);
  for (const RuleInfo& rule : mask_rules()) {
    if (rule.name != "radial" && rule.name != "paper" && rule.name != "harmonic" &&
        rule.name != "disc" && rule.name != "disc-square") {
      continue;
    }
    for (int number = 0; number < 100; ++number) {
      const VideoLayout layout = random.layout(4000);
      const RadialMask mask(layout, random.options(rule, layout));
      const BlockPlan plan = BlockPlan::build(mask);
      EXPECT_EQ(plan.stats().empty_rows, 0) << mask.to_string();
      EXPECT_TRUE(plan.warnings().empty());
      const std::int64_t block = plan.block_size(), tokens = layout.tokens_per_frame();
      for (std::int32_t frame = 0; frame < layout.frames; ++frame) {
        const auto first =
            static_cast<std::int32_t>((layout.video_begin() + frame * tokens) / block);
        const auto last =
            static_cast<std::int32_t>((layout.video_begin() + (frame + 1) * tokens - 1) / block);
        for (std::int32_t row = first; row <= last; ++row) {
          for (std::int32_t column = first; column <= last; ++column) {
            ASSERT_TRUE(plan.pattern(0).contains(row, column)) << mask.to_string();
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace radial
