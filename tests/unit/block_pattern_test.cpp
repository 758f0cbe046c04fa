#include "radial/plan/block_pattern.h"

#include <gtest/gtest.h>

#include "radial/plan/block_plan.h"
#include "support/throws.h"

namespace radial {
namespace {

using testing::expect_refused;

TEST(BlockPattern, KeepsRowsAndColumnsAsRuns) {
  const std::vector<std::uint8_t> blocks = {1, 1, 0, 1,  //
                                            0, 0, 0, 0,  //
                                            1, 0, 1, 1};
  const BlockPattern pattern = pattern_from_dense(blocks, 3, 4);
  EXPECT_EQ(pattern.kept_blocks(), 6);
  ASSERT_EQ(pattern.row_runs(0).size(), 2u);
  EXPECT_EQ(pattern.row_runs(0)[0], (BlockRun{0, 2}));
  EXPECT_EQ(pattern.row_runs(0)[1], (BlockRun{3, 1}));
  EXPECT_TRUE(pattern.row_runs(1).empty());
  ASSERT_EQ(pattern.column_runs(3).size(), 2u);
  EXPECT_EQ(pattern.column_runs(3)[1], (BlockRun{2, 1}));
  EXPECT_EQ(pattern.column_size(1), 1);
  EXPECT_EQ(pattern.row_order()[2], 1);
  EXPECT_FALSE(pattern.contains(0, 2));
  EXPECT_TRUE(pattern.contains(2, 3));
  EXPECT_EQ(to_text(pattern), "1101\n0000\n1011\n");
}

TEST(BlockPattern, RunsCrossWordBoundaries) {
  std::vector<std::uint8_t> blocks(2 * 200, 0);
  for (int column = 60; column < 135; ++column) blocks[static_cast<std::size_t>(column)] = 1;
  for (int column = 128; column < 200; ++column) blocks[static_cast<std::size_t>(200 + column)] = 1;
  const BlockPattern pattern = pattern_from_dense(blocks, 2, 200);
  ASSERT_EQ(pattern.row_runs(0).size(), 1u);
  EXPECT_EQ(pattern.row_runs(0)[0], (BlockRun{60, 75}));
  EXPECT_EQ(pattern.row_runs(1)[0], (BlockRun{128, 72}));
  EXPECT_EQ(to_dense(pattern), blocks);
}

TEST(BlockPattern, RefusesMalformedLists) {
  using Ints = std::vector<std::int32_t>;
  expect_refused([] { pattern_from_dense(std::vector<std::uint8_t>(5), 2, 3); },
                 {"block_mask", "2 x 3", "5"});
  expect_refused([] { pattern_from_dense({}, 0, 3); }, {"at least one"});
  expect_refused([] { pattern_from_csr(Ints{1, 2}, Ints{0, 1}, 4); }, {"indptr"});
  expect_refused([] { pattern_from_csr(Ints{0, 2, 1, 2}, Ints{0, 1}, 4); }, {"indptr", "row 1"});
  expect_refused([] { pattern_from_csr(Ints{0, 1}, Ints{0, 1}, 4); }, {"indptr", "got 1"});
  expect_refused([] { pattern_from_csr(Ints{0, 2}, Ints{1, 0}, 4); }, {"indices", "ascending"});
  expect_refused([] { pattern_from_csr(Ints{0, 2}, Ints{1, 4}, 4); }, {"indices", "[0, 4)"});
  expect_refused([] { pattern_from_flex(Ints{3}, Ints{0, 1}, 2); }, {"kv_num_blocks", "got 3"});
  expect_refused([] { pattern_from_flex(Ints{1, 1}, Ints{0, 0}, 2); }, {"kv_indices", "2 x 2"});
}

}  // namespace
}  // namespace radial
