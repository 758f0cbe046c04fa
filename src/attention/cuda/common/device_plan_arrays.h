#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/cuda/common/device_array.h"
#include "radial/cuda/device_plan.h"

namespace radial {

/// Rows of every pattern of a plan; P patterns, QB query blocks.
struct DeviceRows {
  DeviceArray<std::int32_t> offsets;  // [P, QB + 1] into runs, counted over all patterns
  DeviceArray<BlockRun> runs;         // row by row, ascending
  DeviceArray<std::int32_t> sizes;    // [P, QB] key blocks kept
  DeviceArray<std::int32_t> order;    // [P, QB] rows, longest first

  explicit DeviceRows(const BlockPlan& plan);
  std::size_t bytes() const {
    return offsets.bytes() + runs.bytes() + sizes.bytes() + order.bytes();
  }
};

/// What a plan holds in device memory. Each kernel family adds its own member.
struct DevicePlan::Arrays {
  int device_index;
  std::int32_t num_query_blocks;            // QB
  DeviceArray<std::int32_t> head_patterns;  // [H] pattern of each head; empty: all the first
  DeviceRows rows;                          // forward

  Arrays(const BlockPlan& plan, int device);
  std::size_t bytes() const { return head_patterns.bytes() + rows.bytes(); }
};

}  // namespace radial
