#include "radial/cuda/device_plan.h"

#include <span>
#include <vector>

#include "attention/cuda/common/device_plan_arrays.h"

namespace radial {
namespace {

template <typename T>
DeviceArray<T> uploaded(const std::vector<T>& values) {
  return DeviceArray<T>(std::span<const T>(values));
}

/// `part(pattern)` of every pattern, one after the other.
template <typename T, typename Part>
DeviceArray<T> joined(const BlockPlan& plan, Part&& part) {
  std::vector<T> all;
  for (const BlockPattern& pattern : plan.patterns()) {
    const std::span<const T> values = part(pattern);
    all.insert(all.end(), values.begin(), values.end());
  }
  return uploaded(all);
}

/// Offsets of every pattern, counted from the first run of the first pattern.
template <typename Part>
DeviceArray<std::int32_t> joined_offsets(const BlockPlan& plan, Part&& part) {
  std::vector<std::int32_t> all;
  std::int32_t base = 0;
  for (const BlockPattern& pattern : plan.patterns()) {
    const std::span<const std::int32_t> offsets = part(pattern);
    for (const std::int32_t offset : offsets) all.push_back(base + offset);
    base += offsets.back();
  }
  return uploaded(all);
}

DeviceLists rows_of(const BlockPlan& plan) {
  using Pattern = const BlockPattern&;
  return {joined_offsets(plan, [](Pattern p) { return p.row_offsets(); }),
          joined<BlockRun>(plan, [](Pattern p) { return p.runs_by_row(); }),
          joined<std::int32_t>(plan, [](Pattern p) { return p.row_sizes(); }),
          joined<std::int32_t>(plan, [](Pattern p) { return p.row_order(); })};
}

DeviceLists columns_of(const BlockPlan& plan) {
  using Pattern = const BlockPattern&;
  return {joined_offsets(plan, [](Pattern p) { return p.column_offsets(); }),
          joined<BlockRun>(plan, [](Pattern p) { return p.runs_by_column(); }),
          joined<std::int32_t>(plan, [](Pattern p) { return p.column_sizes(); }),
          joined<std::int32_t>(plan, [](Pattern p) { return p.column_order(); })};
}

}  // namespace

DeviceJoinedRows::DeviceJoinedRows(const BlockPlan& plan) {
  if (plan.block_size() != 64) return;
  std::vector<std::int32_t> all_offsets, all_sizes, all_order;
  std::vector<JoinedStep> all_steps;
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (const BlockPattern& pattern : plan.patterns()) {
    const JoinedRows joined(pattern);
    const auto base = static_cast<std::int32_t>(all_steps.size());
    for (const std::int32_t offset : joined.offsets) all_offsets.push_back(base + offset);
    append(all_steps, joined.steps);
    append(all_sizes, joined.sizes);
    append(all_order, joined.order);
    num_rows = static_cast<std::int32_t>(joined.sizes.size());
  }
  offsets = uploaded(all_offsets);
  steps = uploaded(all_steps);
  sizes = uploaded(all_sizes);
  order = uploaded(all_order);
}

DevicePlan::Arrays::Arrays(const BlockPlan& plan, int device)
    : device_index(device),
      num_query_blocks(plan.patterns()[0].num_query_blocks()),
      num_key_blocks(plan.patterns()[0].num_key_blocks()),
      head_patterns(plan.head_patterns()),
      rows(rows_of(plan)),
      columns(columns_of(plan)),
      joined_rows(plan),
      row_work(plan),
      backward_schedule(plan) {}

DevicePlan::DevicePlan(const BlockPlan& plan, int device_index) {
  const DeviceGuard guard(device_index);
  arrays_ = std::make_unique<Arrays>(plan, device_index);
}

DevicePlan::~DevicePlan() = default;
int DevicePlan::device_index() const { return arrays_->device_index; }
std::size_t DevicePlan::bytes() const { return arrays_->bytes(); }

}  // namespace radial
