#include "radial/cuda/device_plan.h"

#include <vector>

#include "attention/cuda/common/device_plan_arrays.h"

namespace radial {
namespace {

/// `part(pattern)` of every pattern, one after the other.
template <typename T, typename Part>
DeviceArray<T> joined(const BlockPlan& plan, Part&& part) {
  std::vector<T> all;
  for (const BlockPattern& pattern : plan.patterns()) {
    const std::span<const T> values = part(pattern);
    all.insert(all.end(), values.begin(), values.end());
  }
  return DeviceArray<T>(std::span<const T>(all));
}

/// Row offsets of every pattern, counted from the first run of the first pattern.
DeviceArray<std::int32_t> joined_offsets(const BlockPlan& plan) {
  std::vector<std::int32_t> all;
  std::int32_t base = 0;
  for (const BlockPattern& pattern : plan.patterns()) {
    for (const std::int32_t offset : pattern.row_offsets()) all.push_back(base + offset);
    base += pattern.row_offsets().back();
  }
  return DeviceArray<std::int32_t>(std::span<const std::int32_t>(all));
}

}  // namespace

DeviceRows::DeviceRows(const BlockPlan& plan)
    : offsets(joined_offsets(plan)),
      runs(joined<BlockRun>(plan, [](const BlockPattern& p) { return p.runs_by_row(); })),
      sizes(joined<std::int32_t>(plan, [](const BlockPattern& p) { return p.row_sizes(); })),
      order(joined<std::int32_t>(plan, [](const BlockPattern& p) { return p.row_order(); })) {}

DevicePlan::Arrays::Arrays(const BlockPlan& plan, int device)
    : device_index(device),
      num_query_blocks(plan.patterns()[0].num_query_blocks()),
      head_patterns(plan.head_patterns()),
      rows(plan) {}

DevicePlan::DevicePlan(const BlockPlan& plan, int device_index) {
  const DeviceGuard guard(device_index);
  arrays_ = std::make_unique<Arrays>(plan, device_index);
}

DevicePlan::~DevicePlan() = default;
int DevicePlan::device_index() const { return arrays_->device_index; }
std::size_t DevicePlan::bytes() const { return arrays_->bytes(); }

}  // namespace radial
