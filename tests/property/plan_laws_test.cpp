// Laws every plan obeys, whatever the rule.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "radial/plan/block_plan.h"
#include "support/random_layout.h"

namespace radial {
namespace {

constexpr unsigned kSeed = 3;
constexpr int kCasesPerRule = 40;

template <typename Body>
void for_random_masks(int most_tokens, Body&& body) {
  testing::RandomLayouts random(kSeed);
  for (const RuleInfo& rule : mask_rules()) {
    for (int number = 0; number < kCasesPerRule; ++number) {
      const VideoLayout layout = random.layout(most_tokens);
      const RadialMask mask(layout, random.options(rule, layout));
      SCOPED_TRACE(mask.to_string());
      body(mask, BlockPlan::build(mask));
    }
  }
}

void expect_runs_in_order(std::span<const BlockRun> runs, std::int32_t end, std::int32_t size) {
  std::int32_t previous_end = -1, total = 0;
  for (const BlockRun& run : runs) {
    EXPECT_GT(run.begin, previous_end);  // disjoint, and a gap between neighbours
    EXPECT_GT(run.length, 0);
    previous_end = run.begin + run.length;
    total += run.length;
  }
  EXPECT_LE(previous_end, end);
  EXPECT_EQ(total, size);
}

TEST(PlanLaws, RunsAscendAndNeverTouch) {
  for_random_masks(20000, [](const RadialMask&, const BlockPlan& plan) {
    const BlockPattern& pattern = plan.pattern(0);
    for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
      expect_runs_in_order(pattern.row_runs(row), pattern.num_key_blocks(), pattern.row_size(row));
    }
    for (std::int32_t column = 0; column < pattern.num_key_blocks(); ++column) {
      expect_runs_in_order(pattern.column_runs(column), pattern.num_query_blocks(),
                           pattern.column_size(column));
    }
  });
}

TEST(PlanLaws, ColumnsAreTheTransposeOfRows) {
  for_random_masks(6000, [](const RadialMask&, const BlockPlan& plan) {
    const BlockPattern& pattern = plan.pattern(0);
    std::int64_t kept = 0;
    for (std::int32_t column = 0; column < pattern.num_key_blocks(); ++column) {
      for (const BlockRun& run : pattern.column_runs(column)) {
        for (std::int32_t i = 0; i < run.length; ++i, ++kept) {
          ASSERT_TRUE(pattern.contains(run.begin + i, column));
        }
      }
    }
    EXPECT_EQ(kept, pattern.kept_blocks());
  });
}

TEST(PlanLaws, OrdersArePermutationsWithTheHeaviestFirst) {
  for_random_masks(20000, [](const RadialMask&, const BlockPlan& plan) {
    const BlockPattern& pattern = plan.pattern(0);
    const auto check = [](std::span<const std::int32_t> order,
                          std::span<const std::int32_t> sizes) {
      std::vector<std::int32_t> expected(sizes.size());
      std::iota(expected.begin(), expected.end(), 0);
      std::ranges::stable_sort(expected, std::ranges::greater{},
                               [&](std::int32_t i) { return sizes[static_cast<std::size_t>(i)]; });
      EXPECT_TRUE(std::ranges::equal(order, expected));
    };
    check(pattern.row_order(), pattern.row_sizes());
    check(pattern.column_order(), pattern.column_sizes());
  });
}

TEST(PlanLaws, FormsOfOtherLibrariesComeBackEqual) {
  for_random_masks(6000, [](const RadialMask&, const BlockPlan& plan) {
    const BlockPattern& pattern = plan.pattern(0);
    const std::int32_t rows = pattern.num_query_blocks(), columns = pattern.num_key_blocks();
    EXPECT_EQ(pattern_from_dense(to_dense(pattern), rows, columns), pattern);
    const BlockCsr csr = to_csr(pattern);
    EXPECT_EQ(pattern_from_csr(csr.indptr, csr.indices, columns), pattern);
    const FlexLists lists = to_flex(pattern);
    EXPECT_EQ(pattern_from_flex(lists.kv_num_blocks, lists.kv_indices, columns), pattern);
  });
}

TEST(PlanLaws, MoreDecayNeverRemovesABlock) {
  testing::RandomLayouts random(kSeed);
  for (const RuleInfo& rule : mask_rules()) {
    if (rule.density_parameter != "decay_factor") continue;
    for (int number = 0; number < kCasesPerRule; ++number) {
      const VideoLayout layout = random.layout(9000);
      MaskOptions options = random.options(rule, layout);
      const BlockPlan narrow = BlockPlan::build(RadialMask(layout, options));
      options.decay_factor *= random.real(1, 4);
      const BlockPlan wide = BlockPlan::build(RadialMask(layout, options));
      const auto less = to_dense(narrow.pattern(0)), more = to_dense(wide.pattern(0));
      EXPECT_TRUE(std::ranges::equal(less, more, std::ranges::less_equal{})) << wide.description();
    }
  }
}

TEST(PlanLaws, WithoutASinkWholeBlocksPerFrameMakeAFrameShiftInvariantPlan) {
  const VideoLayout layout{.frames = 12, .grid_h = 16, .grid_w = 24};  // 3 blocks a frame
  for (const char* rule : {"radial", "released-v2", "harmonic", "disc"}) {
    const BlockPlan plan =
        BlockPlan::build(RadialMask(layout, {.rule = rule, .decay_factor = 0.3, .sink = false}));
    const BlockPattern& pattern = plan.pattern(0);
    for (std::int32_t row = 0; row + 3 < pattern.num_query_blocks(); ++row) {
      for (std::int32_t column = 0; column + 3 < pattern.num_key_blocks(); ++column) {
        ASSERT_EQ(pattern.contains(row, column), pattern.contains(row + 3, column + 3)) << rule;
      }
    }
  }
}

}  // namespace
}  // namespace radial
