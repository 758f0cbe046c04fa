#include "radial/mask/mask_options.h"

#include <gtest/gtest.h>

#include <limits>

#include "radial/mask/radial_mask.h"
#include "support/throws.h"

namespace radial {
namespace {

using testing::expect_refused;

const VideoLayout kLayout{.frames = 9, .grid_h = 12, .grid_w = 20};

auto make(MaskOptions options) {
  return [options] { RadialMask(kLayout, options); };
}

TEST(MaskOptions, RefusesBadValuesByName) {
  expect_refused(make({.rule = "raidal"}), {"rule", "radial", "sliding-tile", "'raidal'"});
  expect_refused(make({.block_size = 100}), {"block_size", "64 or 128", "100"});
  expect_refused(make({.decay_factor = -0.5}), {"decay_factor", "above 0", "-0.5"});
  expect_refused(make({.decay_factor = std::numeric_limits<double>::quiet_NaN()}),
                 {"decay_factor"});
  expect_refused(make({.sink_frames = 10}), {"sink_frames", "1 to 9", "10"});
  expect_refused(make({.thinning_threshold = 0}), {"thinning_threshold", "got 0"});
  expect_refused(make({.rule = "spatial", .span = -1}), {"span", "-1"});
  expect_refused(make({.rule = "window", .width = -2}), {"width", "-2"});
  expect_refused(make({.rule = "sliding-tile", .window_frames = 10}),
                 {"window_frames", "1 to 9", "10"});
}

TEST(MaskOptions, RefusesParametersTheRuleDoesNotHave) {
  expect_refused(make({.rule = "dense", .sink = true}), {"sink", "dense"});
  expect_refused(make({.rule = "paper", .thinning = false}), {"thinning", "paper"});
  expect_refused(make({.rule = "radial", .span = 2}), {"span", "radial"});
  expect_refused(make({.rule = "disc", .distance_one = DistanceOne::kHalf}), {"distance_one"});
}

TEST(MaskOptions, AreResolvedToWhatTheRuleHas) {
  const MaskOptions radial = RadialMask(kLayout, {}).options();
  EXPECT_EQ(radial.rule, "radial");
  EXPECT_EQ(radial.sink, true);
  EXPECT_EQ(radial.distance_one, DistanceOne::kWhole);
  EXPECT_EQ(radial.thinning_threshold, 128);
  EXPECT_EQ(radial.span, std::nullopt);
  EXPECT_EQ(RadialMask(kLayout, {.rule = "released-hunyuan"}).options().sink, false);
  EXPECT_EQ(RadialMask(kLayout, {.rule = "released-v1"}).options().distance_one,
            DistanceOne::kHalf);
  EXPECT_EQ(RadialMask(kLayout, {.rule = "dense"}).options().sink, std::nullopt);
}

TEST(MaskRules, AreListedWithTheDefaultFirst) {
  const std::vector<RuleInfo> rules = mask_rules();
  ASSERT_EQ(rules.size(), 14u);
  EXPECT_EQ(rules.front().name, MaskOptions{}.rule);
  for (const RuleInfo& rule : rules) {
    EXPECT_FALSE(rule.summary.empty());
    EXPECT_FALSE(rule.version.empty());
    EXPECT_NE(RadialMask(kLayout, {.rule = rule.name}).to_string().find(rule.name + " "),
              std::string::npos);
  }
}

}  // namespace
}  // namespace radial
