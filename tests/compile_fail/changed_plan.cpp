// A plan is shared by heads, layers and threads, so nobody changes it once it is made.
#include "radial/plan/block_plan.h"

std::int32_t first_block(radial::BlockPlan& plan) {
#ifdef RADIAL_WRONG
  plan.patterns()[0].runs_by_row()[0].begin = 0;
#endif
  return plan.patterns()[0].runs_by_row()[0].begin;
}
