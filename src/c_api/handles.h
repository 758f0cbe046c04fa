#pragma once

#include "radial/attention/attention.h"
#include "radial/cuda/device_plan.h"
#include "radial/mask/radial_mask.h"
#include "radial/plan/block_plan.h"
#include "radial/radial.h"

// What stands behind the opaque handles of radial.h.

struct radial_mask {
  radial::RadialMask value;
  std::string description;
};

struct radial_pattern {
  radial::BlockPattern value;
};

struct radial_plan {
  radial::BlockPlan value;
};

struct radial_device_plan {
  radial::DevicePlan value;
};
