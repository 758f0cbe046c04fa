#include "attention/cuda/sm90/forward/device_row_work.h"

#include <algorithm>
#include <span>
#include <vector>

#include "attention/cuda/common/joined_rows.h"

namespace radial::sm90 {
namespace {

std::vector<std::int32_t> steps_of_rows(const BlockPlan& plan, const BlockPattern& pattern) {
  if (plan.block_size() == 64) return JoinedRows(pattern).sizes;
  const auto sizes = pattern.row_sizes();
  return {sizes.begin(), sizes.end()};
}

}  // namespace

DeviceRowWork::DeviceRowWork(const BlockPlan& plan)
    : names_patterns_(!plan.head_patterns().empty()) {
  std::vector<std::int32_t> before;
  std::vector<std::int64_t> of_pattern;
  for (const BlockPattern& pattern : plan.patterns()) {
    std::int32_t work = 0;
    before.push_back(0);
    for (const std::int32_t steps : steps_of_rows(plan, pattern)) {
      longest_row_ = std::max(longest_row_, steps);
      before.push_back(work += std::max(steps, 1));
    }
    of_pattern.push_back(work);
  }
  before_ = DeviceArray<std::int32_t>(std::span<const std::int32_t>(before));
  if (!names_patterns_) all_heads_ = of_pattern[0];
  for (const std::int32_t pattern : plan.head_patterns()) {
    all_heads_ += of_pattern[static_cast<std::size_t>(pattern)];
  }
}

std::int64_t DeviceRowWork::of_heads(std::int32_t heads) const {
  return names_patterns_ ? all_heads_ : heads * all_heads_;
}

}  // namespace radial::sm90
