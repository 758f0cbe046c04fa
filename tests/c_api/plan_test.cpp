#include <vector>

#include "handles.h"
#include "radial/plan/block_plan.h"

namespace radial::testing {
namespace {

const VideoLayout kLayout{.frames = 11, .grid_h = 9, .grid_w = 13, .text_tokens = 10};

PlanHandle made_plan() {
  radial_layout layout = layout_of(11, 9, 13);
  layout.text_tokens = 10;
  return make_plan(layout, nullptr);
}

BlockPlan expected_plan() { return BlockPlan::build(RadialMask(kLayout, {})); }

radial_plan_info info_of(const PlanHandle& plan) {
  radial_plan_info info = radial_plan_info_init();
  EXPECT_EQ(radial_plan_get_info(plan.get(), &info), RADIAL_OK);
  return info;
}

TEST(CApiPlan, SaysWhatTheCppPlanSays) {
  const PlanHandle plan = made_plan();
  const BlockPlan expected = expected_plan();
  const radial_plan_info info = info_of(plan);
  EXPECT_EQ(info.query_tokens, expected.query_tokens());
  EXPECT_EQ(info.key_tokens, expected.key_tokens());
  EXPECT_EQ(info.text_tokens, 10);
  EXPECT_EQ(info.block_size, 128);
  EXPECT_EQ(info.num_query_blocks, expected.pattern(0).num_query_blocks());
  EXPECT_EQ(info.num_patterns, 1);
  EXPECT_EQ(radial_plan_description(plan.get()), expected.description());

  radial_plan_stats stats = radial_plan_stats_init();
  ASSERT_EQ(radial_plan_get_stats(plan.get(), 0, &stats), RADIAL_OK);
  const PlanStats known = expected.stats();
  EXPECT_EQ(stats.kept_blocks, known.kept_blocks);
  EXPECT_EQ(stats.all_blocks, known.all_blocks);
  EXPECT_EQ(stats.density, known.density);
  EXPECT_EQ(stats.longest_row, known.longest_row);
  EXPECT_EQ(stats.shortest_column, known.shortest_column);
  EXPECT_EQ(stats.runs_per_row, known.runs_per_row);

  std::int64_t pairs = 0;
  ASSERT_EQ(radial_plan_kept_pairs(plan.get(), 0, &pairs), RADIAL_OK);
  EXPECT_EQ(pairs, expected.kept_pairs());
}

TEST(CApiPlan, WarningsOfAReleasedRuleCanBeRead) {
  radial_mask_options options = radial_mask_options_init();
  options.rule = "released-hunyuan";
  const PlanHandle plan = make_plan(layout_of(32, 34, 60), &options);
  const radial_plan_info info = info_of(plan);
  ASSERT_GT(info.num_warnings, 0);
  EXPECT_STRNE(radial_plan_warning(plan.get(), 0), "");
  EXPECT_STREQ(radial_plan_warning(plan.get(), info.num_warnings), "");
}

TEST(CApiPlan, ExportsComeBackAsTheSamePattern) {
  const PlanHandle plan = made_plan();
  const radial_plan_info info = info_of(plan);
  radial_plan_stats stats = radial_plan_stats_init();
  ASSERT_EQ(radial_plan_get_stats(plan.get(), 0, &stats), RADIAL_OK);
  const auto rows = static_cast<std::size_t>(info.num_query_blocks);
  const auto columns = static_cast<std::size_t>(info.num_key_blocks);
  std::vector<std::uint8_t> dense(rows * columns);
  std::vector<std::int32_t> indptr(rows + 1), indices(static_cast<std::size_t>(stats.kept_blocks));
  std::vector<std::int32_t> counts(rows), lists(rows * columns);
  ASSERT_EQ(radial_plan_to_dense(plan.get(), 0, dense.data()), RADIAL_OK);
  ASSERT_EQ(radial_plan_to_csr(plan.get(), 0, indptr.data(), indices.data()), RADIAL_OK);
  ASSERT_EQ(radial_plan_to_flex(plan.get(), 0, counts.data(), lists.data()), RADIAL_OK);
  EXPECT_EQ(dense, to_dense(expected_plan().pattern(0)));

  radial_pattern *of_dense = nullptr, *of_csr = nullptr, *of_flex = nullptr;
  ASSERT_EQ(radial_pattern_from_dense(dense.data(), info.num_query_blocks, info.num_key_blocks,
                                      &of_dense),
            RADIAL_OK);
  ASSERT_EQ(radial_pattern_from_csr(indptr.data(), info.num_query_blocks, indices.data(),
                                    stats.kept_blocks, info.num_key_blocks, &of_csr),
            RADIAL_OK);
  ASSERT_EQ(radial_pattern_from_flex(counts.data(), lists.data(), info.num_query_blocks,
                                     info.num_key_blocks, &of_flex),
            RADIAL_OK);
  for (radial_pattern* pattern : {of_dense, of_csr, of_flex}) {
    const PatternHandle owned(pattern);
    radial_plan_shape shape = radial_plan_shape_init();
    shape.query_tokens = shape.key_tokens = kLayout.total_tokens();
    shape.block_size = 128;
    radial_plan* again = nullptr;
    ASSERT_EQ(radial_plan_from_patterns(&pattern, 1, &shape, &again), RADIAL_OK)
        << radial_last_error();
    const PlanHandle made(again);
    std::vector<std::uint8_t> blocks(rows * columns);
    ASSERT_EQ(radial_plan_to_dense(made.get(), 0, blocks.data()), RADIAL_OK);
    EXPECT_EQ(blocks, dense);
  }
}

TEST(CApiPlan, HeadsTakeTheirOwnPatterns) {
  const std::vector<std::uint8_t> all{1, 1, 1, 1}, diagonal{1, 0, 0, 1};
  radial_pattern* patterns[2] = {nullptr, nullptr};
  ASSERT_EQ(radial_pattern_from_dense(all.data(), 2, 2, &patterns[0]), RADIAL_OK);
  ASSERT_EQ(radial_pattern_from_dense(diagonal.data(), 2, 2, &patterns[1]), RADIAL_OK);
  const PatternHandle first(patterns[0]), second(patterns[1]);
  const std::int32_t heads[3] = {1, 0, 1};
  radial_plan_shape shape = radial_plan_shape_init();
  shape.query_tokens = shape.key_tokens = 100;
  shape.block_size = 64;
  shape.num_heads = 3;
  shape.head_patterns = heads;
  radial_plan* made = nullptr;
  ASSERT_EQ(radial_plan_from_patterns(patterns, 2, &shape, &made), RADIAL_OK)
      << radial_last_error();
  const PlanHandle plan(made);
  std::int64_t of_all = 0, of_diagonal = 0;
  ASSERT_EQ(radial_plan_kept_pairs(plan.get(), 1, &of_all), RADIAL_OK);
  ASSERT_EQ(radial_plan_kept_pairs(plan.get(), 2, &of_diagonal), RADIAL_OK);
  EXPECT_EQ(of_all, 100 * 100);
  EXPECT_EQ(of_diagonal, 64 * 64 + 36 * 36);
  expect_invalid(radial_plan_kept_pairs(plan.get(), 3, &of_all), {"head", "got 3"});
}

TEST(CApiPlan, RefusesFormsThatDoNotFit) {
  radial_pattern* pattern = nullptr;
  const std::int32_t indptr[3] = {0, 1, 2}, descending[2] = {0, 5}, counts[1] = {3};
  expect_invalid(radial_pattern_from_dense(nullptr, 2, 2, &pattern), {"blocks", "null"});
  expect_invalid(radial_pattern_from_dense(nullptr, -1, 2, &pattern), {"num_query_blocks", "-1"});
  expect_invalid(radial_pattern_from_csr(indptr, 2, descending, 2, 2, &pattern), {"indices", "5"});
  expect_invalid(radial_pattern_from_csr(indptr, 2, descending, 1, 2, &pattern), {"indptr"});
  expect_invalid(radial_pattern_from_csr(indptr, 2, descending, -1, 2, &pattern),
                 {"num_indices", "-1"});
  expect_invalid(radial_pattern_from_flex(counts, descending, 1, 2, &pattern),
                 {"kv_num_blocks", "3"});
  EXPECT_EQ(pattern, nullptr);

  radial_plan_shape shape = radial_plan_shape_init();
  shape.query_tokens = shape.key_tokens = 100;
  shape.block_size = 64;
  radial_plan* plan = nullptr;
  expect_invalid(radial_plan_from_patterns(nullptr, 1, &shape, &plan), {"patterns", "null"});
  expect_invalid(radial_plan_from_patterns(nullptr, 0, &shape, &plan), {"patterns", "none"});
  const PlanHandle made = made_plan();
  radial_plan_stats stats = radial_plan_stats_init();
  expect_invalid(radial_plan_get_stats(made.get(), 1, &stats), {"pattern", "got 1"});
}

TEST(CApiPlan, ALibraryWithoutCudaSaysSo) {
  const PlanHandle plan = made_plan();
  radial_device_plan* device_plan = nullptr;
  const radial_status status = radial_device_plan_create(plan.get(), 9999, &device_plan);
  EXPECT_TRUE(status == RADIAL_UNSUPPORTED || status == RADIAL_CUDA_ERROR) << status;
  EXPECT_EQ(device_plan, nullptr);
  EXPECT_STRNE(radial_last_error(), "");
}

}  // namespace
}  // namespace radial::testing
