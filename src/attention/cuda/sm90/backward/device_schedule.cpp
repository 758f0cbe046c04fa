#include "attention/cuda/sm90/backward/device_schedule.h"

#include <span>

namespace radial::sm90 {

DeviceBackwardSchedule::DeviceBackwardSchedule(const BlockPlan& plan) {
  if (!BackwardSchedule::serves(plan)) return;
  const BackwardSchedule schedule = BackwardSchedule::build(plan.patterns());
  offsets = DeviceArray<std::int32_t>(std::span<const std::int32_t>(schedule.offsets));
  entries = DeviceArray<ColumnEntry>(std::span<const ColumnEntry>(schedule.entries));
  order = DeviceArray<std::int32_t>(std::span<const std::int32_t>(schedule.order));
  contributors = DeviceArray<std::int32_t>(std::span<const std::int32_t>(schedule.contributors));
  num_long = schedule.num_long;
}

}  // namespace radial::sm90
