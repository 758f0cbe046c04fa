#include <vector>

#include "handles.h"
#include "radial/mask/radial_mask.h"
#include "radial/plan/block_plan.h"

namespace radial::testing {
namespace {

TEST(CApiMask, DefaultsAreThoseOfTheCppOptions) {
  const MaskHandle by_default = make_mask(layout_of(5, 6, 7), nullptr);
  const radial_mask_options options = radial_mask_options_init();
  const MaskHandle by_init = make_mask(layout_of(5, 6, 7), &options);
  const RadialMask expected({.frames = 5, .grid_h = 6, .grid_w = 7}, {});
  EXPECT_EQ(radial_mask_description(by_default.get()), expected.to_string());
  EXPECT_EQ(radial_mask_description(by_init.get()), expected.to_string());
}

TEST(CApiMask, EveryOptionArrives) {
  radial_layout layout = layout_of(9, 6, 8);
  layout.reference_tokens = 3;
  layout.text_tokens = 5;
  layout.tile_h = 2;
  layout.tile_w = 4;
  radial_mask_options options = radial_mask_options_init();
  options.rule = "radial";
  options.decay_factor = 0.25;
  options.block_size = 64;
  options.sink = 1;
  options.sink_frames = 2;
  options.distance_one = RADIAL_DISTANCE_ONE_HALF;
  options.thinning = 1;
  options.thinning_threshold = 7;
  const RadialMask expected({.frames = 9,
                             .grid_h = 6,
                             .grid_w = 8,
                             .reference_tokens = 3,
                             .text_tokens = 5,
                             .order = TokenOrder::tiled(2, 4)},
                            {.rule = "radial",
                             .block_size = 64,
                             .decay_factor = 0.25,
                             .sink = true,
                             .sink_frames = 2,
                             .distance_one = DistanceOne::kHalf,
                             .thinning = true,
                             .thinning_threshold = 7});
  const MaskHandle mask = make_mask(layout, &options);
  ASSERT_EQ(radial_mask_description(mask.get()), expected.to_string());
  const std::int64_t tokens = expected.layout().total_tokens();
  for (std::int64_t query = 0; query < tokens; query += 7) {
    for (std::int64_t key = 0; key < tokens; ++key) {
      std::int32_t attends = -1;
      ASSERT_EQ(radial_mask_attends(mask.get(), query, key, &attends), RADIAL_OK);
      ASSERT_EQ(attends == 1, expected.attends(query, key)) << query << " " << key;
    }
  }
}

TEST(CApiMask, RefusesWhatTheCppInterfaceRefuses) {
  const radial_layout layout = layout_of(5, 6, 7);
  radial_mask* mask = nullptr;
  radial_mask_options options = radial_mask_options_init();
  options.rule = "no-such-rule";
  expect_invalid(radial_mask_create(&layout, &options, &mask), {"rule", "no-such-rule"});
  options = radial_mask_options_init();
  options.decay_factor = -1;
  expect_invalid(radial_mask_create(&layout, &options, &mask), {"decay", "-1"});
  options = radial_mask_options_init();
  options.sink = 2;
  expect_invalid(radial_mask_create(&layout, &options, &mask), {"sink", "got 2"});
  options = radial_mask_options_init();
  options.distance_one = 9;
  expect_invalid(radial_mask_create(&layout, &options, &mask), {"distance_one", "got 9"});
  const radial_layout empty = layout_of(0, 6, 7);
  expect_invalid(radial_mask_create(&empty, nullptr, &mask), {"frames", "got 0"});
  EXPECT_EQ(mask, nullptr);
}

TEST(CApiMask, AttendsChecksThePlaces) {
  const MaskHandle mask = make_mask(layout_of(2, 2, 2), nullptr);
  std::int32_t attends = 7;
  expect_invalid(radial_mask_attends(mask.get(), 8, 0, &attends), {"query", "got 8"});
  expect_invalid(radial_mask_attends(mask.get(), 0, -1, &attends), {"key", "got -1"});
  EXPECT_EQ(attends, 7);
}

TEST(CApiMask, PermutationsAreInverse) {
  radial_layout layout = layout_of(3, 5, 7);
  layout.tile_h = 2;
  layout.tile_w = 3;
  layout.text_tokens = 4;
  std::vector<std::int64_t> forward(3 * 5 * 7 + 4), inverse(forward.size());
  ASSERT_EQ(radial_layout_permutation(&layout, forward.data(), inverse.data()), RADIAL_OK);
  bool moved = false;
  for (std::size_t i = 0; i < forward.size(); ++i) {
    EXPECT_EQ(inverse[static_cast<std::size_t>(forward[i])], static_cast<std::int64_t>(i));
    moved = moved || forward[i] != static_cast<std::int64_t>(i);
  }
  EXPECT_TRUE(moved);
}

TEST(CApiMask, DensityTurnsTheRulesParameter) {
  const radial_layout layout = layout_of(40, 20, 24);
  radial_mask_options chosen = radial_mask_options_init();
  ASSERT_EQ(radial_options_for_density(&layout, nullptr, 0.4, &chosen), RADIAL_OK)
      << radial_last_error();
  const MaskOptions expected =
      options_for_density({.frames = 40, .grid_h = 20, .grid_w = 24}, {}, 0.4);
  EXPECT_EQ(chosen.decay_factor, expected.decay_factor);
  EXPECT_NE(chosen.decay_factor, 1.0);
  expect_invalid(radial_options_for_density(&layout, nullptr, 1e-9, &chosen), {"density"});
}

TEST(CApiMask, ListsEveryRule) {
  const std::vector<RuleInfo> expected = mask_rules();
  ASSERT_EQ(radial_num_rules(), static_cast<std::int32_t>(expected.size()));
  for (std::int32_t i = 0; i < radial_num_rules(); ++i) {
    radial_rule_info info = radial_rule_info_init();
    ASSERT_EQ(radial_rule(i, &info), RADIAL_OK);
    EXPECT_EQ(info.name, expected[static_cast<std::size_t>(i)].name);
    EXPECT_EQ(info.density_parameter, expected[static_cast<std::size_t>(i)].density_parameter);
  }
  radial_rule_info info = radial_rule_info_init();
  expect_invalid(radial_rule(radial_num_rules(), &info), {"index"});
}

}  // namespace
}  // namespace radial::testing
