#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/cuda/common/device_array.h"
#include "attention/cuda/sm90/backward/schedule.h"
#include "radial/plan/block_plan.h"

namespace radial::sm90 {

/// `BackwardSchedule` in device memory; empty where the backward for Hopper cannot serve the plan.
struct DeviceBackwardSchedule {
  DeviceArray<std::int32_t> offsets;  // [P, KB + 1] into entries
  DeviceArray<ColumnEntry> entries;
  DeviceArray<std::int32_t> order;         // [KB]
  DeviceArray<std::int32_t> contributors;  // [P, QB]
  std::int32_t num_long = 0;

  explicit DeviceBackwardSchedule(const BlockPlan& plan);
  std::size_t bytes() const {
    return offsets.bytes() + entries.bytes() + order.bytes() + contributors.bytes();
  }
};

}  // namespace radial::sm90
