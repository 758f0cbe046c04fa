#include "video/models/plan_cache.h"

#include <algorithm>

#include "radial/mask/radial_mask.h"

namespace radial::video {

torch_ops::PlanPtr PlanCache::plan(const VideoLayout& layout, const MaskOptions& options) {
  const RadialMask mask(layout, options);
  // The resolved options: a default left unset and the same value given are one plan.
  Entry& entry = plans_[{layout, mask.options()}];
  entry.last_use = ++clock_;
  if (!entry.plan) entry.plan = torch_ops::PlanHandle::build(mask);
  const torch_ops::PlanPtr wanted = entry.plan;
  if (plans_.size() > capacity_) {
    plans_.erase(std::min_element(plans_.begin(), plans_.end(), [](const auto& a, const auto& b) {
      return a.second.last_use < b.second.last_use;
    }));
  }
  return wanted;
}

}  // namespace radial::video
