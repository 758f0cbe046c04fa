#include <gtest/gtest.h>

#include "radial/plan/block_plan.h"
#include "support/throws.h"

namespace radial {
namespace {

using testing::expect_refused;

const VideoLayout kLayout{.frames = 21, .grid_h = 30, .grid_w = 52};

double density_of(const MaskOptions& options) {
  return BlockPlan::build(RadialMask(kLayout, options)).stats().density;
}

TEST(Density, IsReachedByEveryRuleThatHasAParameter) {
  for (const RuleInfo& rule : mask_rules()) {
    const MaskOptions options{.rule = rule.name};
    const auto range = density_range(kLayout, options);
    ASSERT_EQ(range.has_value(), !rule.density_parameter.empty()) << rule.name;
    if (!range) continue;
    EXPECT_LT(range->least, 0.4) << rule.name;
    // Thinned frames stay out however wide the bands are.
    EXPECT_GT(range->most, 0.6) << rule.name;
    const double wanted = 0.45;
    const double reached = density_of(options_for_density(kLayout, options, wanted));
    // The coarsest steps are those of whole frames and of tiles.
    const bool coarse = rule.name == "spatial" || rule.name == "sliding-tile";
    EXPECT_NEAR(reached, wanted, coarse ? 0.06 : 0.006) << rule.name;
  }
}

TEST(Density, RefusesWhatTheRuleCannotReach) {
  expect_refused([] { options_for_density(kLayout, {.rule = "paper"}, 0.3); },
                 {"density", "paper"});
  expect_refused([] { options_for_density(kLayout, {}, 0.001); }, {"density", "radial", "0.001"});
  expect_refused([] { options_for_density(kLayout, {}, 1.5); }, {"density", "1.5"});
}

TEST(Density, FindsItsOwnEnds) {
  const auto range = density_range(kLayout, {.rule = "radial"});
  EXPECT_NEAR(density_of(options_for_density(kLayout, {}, range->least)), range->least, 1e-9);
  EXPECT_NEAR(density_of(options_for_density(kLayout, {}, range->most)), range->most, 1e-9);
}

}  // namespace
}  // namespace radial
