#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "radial/plan/block_plan.h"

namespace radial::sm90 {

/// One query block of a column, and when its part of dQ may be added: after that of as many key
/// blocks as `turn` says. The first form is for heads whose long columns go first, the other where
/// they go last.
struct ColumnEntry {
  std::int32_t query_block;
  std::uint16_t turn_longs_first;
  std::uint16_t turn_longs_last;
};

/// The order in which the backward takes the columns of a plan, and the turns that follow from it.
///
/// The parts of one query block's dQ are added in this order, so that sums never depend on timing.
/// A column walks its query blocks upwards; columns are taken downwards, hence of two columns
/// neighbouring in time the later one reaches a common query block later by itself, and nobody
/// waits. Columns more than twice as long as the median (sink frames, text) would hold up all the
/// others: they stand apart, to be run while another head's other columns are.
struct BackwardSchedule {
  static constexpr std::int32_t kBlockSize = 128;
  static constexpr std::int32_t kMostBlocks = 65535;  // turns are 16 bits

  std::vector<std::int32_t> offsets;       // [patterns, KB + 1] into entries
  std::vector<ColumnEntry> entries;        // ascending query blocks per column
  std::vector<std::int32_t> order;         // [KB] long columns, then the others, each downwards
  std::vector<std::int32_t> contributors;  // [patterns, QB] key blocks that add to a query block
  std::int32_t num_long = 0;

  /// Whether the backward for Hopper has a schedule for this plan.
  static bool serves(const BlockPlan& plan);

  /// Patterns of one plan that it serves.
  static BackwardSchedule build(std::span<const BlockPattern> patterns);
};

}  // namespace radial::sm90
