#include "video/models/plan_cache.h"

#include <gtest/gtest.h>

namespace radial::video {
namespace {

VideoLayout layout(TokenOrder order = {}) {
  VideoLayout made;
  made.frames = 5;
  made.grid_h = 12;
  made.grid_w = 16;
  made.order = order;
  return made;
}

TEST(PlanCache, GivesTheSamePlanForTheSameRequest) {
  PlanCache cache;
  const auto first = cache.plan(layout(), {});
  EXPECT_EQ(first, cache.plan(layout(), {}));
  // The rule's own default, spelled out.
  EXPECT_EQ(first, cache.plan(layout(), {.sink = true}));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(PlanCache, TellsApartWhatChangesThePlan) {
  PlanCache cache;
  const auto plan = cache.plan(layout(), {});
  EXPECT_NE(plan, cache.plan(layout(TokenOrder::tiled(8, 16)), {}));
  EXPECT_NE(plan, cache.plan(layout(), {.block_size = 64}));
  EXPECT_NE(plan, cache.plan(layout(), {.decay_factor = 0.5}));
  EXPECT_NE(plan, cache.plan(layout(), {.rule = "dense"}));
  EXPECT_EQ(cache.size(), 5u);
}

TEST(PlanCache, ForgetsTheOneUsedLongestAgo) {
  PlanCache cache(2);
  const auto kept = cache.plan(layout(), {});
  const auto dropped = cache.plan(layout(), {.decay_factor = 0.5});
  EXPECT_EQ(kept, cache.plan(layout(), {}));
  cache.plan(layout(), {.decay_factor = 0.25});
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(kept, cache.plan(layout(), {}));
  EXPECT_NE(dropped, cache.plan(layout(), {.decay_factor = 0.5}));
}

}  // namespace
}  // namespace radial::video
