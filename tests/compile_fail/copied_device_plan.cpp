// A plan on the GPU has one owner.
#include "radial/cuda/device_plan.h"

#ifdef RADIAL_WRONG
radial::DevicePlan owner(const radial::DevicePlan& plan) { return plan; }
#else
const radial::DevicePlan& owner(const radial::DevicePlan& plan) { return plan; }
#endif
