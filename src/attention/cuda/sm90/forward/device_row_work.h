#pragma once

#include <cstdint>

#include "attention/cuda/common/device_array.h"
#include "radial/plan/block_plan.h"

namespace radial::sm90 {

/// How much work each row of tiles is, on a GPU and in sum: its steps of 128 keys, at least one,
/// since a row that sees nothing has outputs too. P patterns, R rows of tiles (128 queries each).
class DeviceRowWork {
 public:
  explicit DeviceRowWork(const BlockPlan& plan);

  const std::int32_t* before() const { return before_.data(); }  ///< [P, R + 1] work above each row
  std::int64_t of_heads(std::int32_t heads) const;               ///< of one sample
  std::int32_t longest_row() const { return longest_row_; }
  std::size_t bytes() const { return before_.bytes(); }

 private:
  DeviceArray<std::int32_t> before_;
  std::int64_t all_heads_ = 0;  // where the plan names the patterns of heads, else of one head
  bool names_patterns_ = false;
  std::int32_t longest_row_ = 0;
};

}  // namespace radial::sm90
