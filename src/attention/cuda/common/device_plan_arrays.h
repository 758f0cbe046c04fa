#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/cuda/common/device_array.h"
#include "attention/cuda/common/joined_rows.h"
#include "attention/cuda/sm90/backward/device_schedule.h"
#include "attention/cuda/sm90/forward/device_row_work.h"
#include "radial/cuda/device_plan.h"

namespace radial {

/// One side of a plan, rows or columns: P patterns of N blocks.
struct DeviceLists {
  DeviceArray<std::int32_t> offsets;  // [P, N + 1] into runs, counted over all patterns
  DeviceArray<BlockRun> runs;         // block by block, ascending
  DeviceArray<std::int32_t> sizes;    // [P, N] blocks kept
  DeviceArray<std::int32_t> order;    // [P, N] longest first

  std::size_t bytes() const {
    return offsets.bytes() + runs.bytes() + sizes.bytes() + order.bytes();
  }
};

/// Rows of a plan with blocks of 64, joined in pairs to R tiles of 128 queries; empty otherwise.
struct DeviceJoinedRows {
  std::int32_t num_rows = 0;          // R
  DeviceArray<std::int32_t> offsets;  // [P, R + 1] into steps, counted over all patterns
  DeviceArray<JoinedStep> steps;      // row by row, ascending
  DeviceArray<std::int32_t> sizes;    // [P, R] steps
  DeviceArray<std::int32_t> order;    // [P, R] longest first

  explicit DeviceJoinedRows(const BlockPlan& plan);
  std::size_t bytes() const {
    return offsets.bytes() + steps.bytes() + sizes.bytes() + order.bytes();
  }
};

/// What a plan holds in device memory. Each kernel family adds its own member.
struct DevicePlan::Arrays {
  int device_index;
  std::int32_t num_query_blocks;            // QB
  std::int32_t num_key_blocks;              // KB
  DeviceArray<std::int32_t> head_patterns;  // [H] pattern of each head; empty: all the first
  DeviceLists rows;                         // what query blocks keep
  DeviceLists columns;                      // what keeps key blocks
  DeviceJoinedRows joined_rows;             // cuda_sm90 forward
  sm90::DeviceRowWork row_work;             // to cut rows into parts
  sm90::DeviceBackwardSchedule backward_schedule;

  Arrays(const BlockPlan& plan, int device);
  std::size_t bytes() const {
    return head_patterns.bytes() + rows.bytes() + columns.bytes() + joined_rows.bytes() +
           row_work.bytes() + backward_schedule.bytes();
  }
};

}  // namespace radial
