#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "radial/mask/mask_options.h"
#include "radial/mask/video_layout.h"
#include "radial/torch/plan_handle.h"

namespace radial::video {

/// Block plans by everything they depend on: layout (with token order) and options as resolved.
/// Owned by whoever runs a model; not for use by several threads at once.
class PlanCache {
 public:
  /// The plan of a rule over a layout, built at the first request. At most `capacity` are kept; the
  /// one asked for longest ago goes first.
  torch_ops::PlanPtr plan(const VideoLayout& layout, const MaskOptions& options);

  std::size_t size() const { return plans_.size(); }
  explicit PlanCache(std::size_t capacity = 8) : capacity_(capacity) {}

 private:
  struct Entry {
    torch_ops::PlanPtr plan;
    std::size_t last_use = 0;
  };

  std::size_t capacity_;
  std::size_t clock_ = 0;
  std::map<std::pair<VideoLayout, MaskOptions>, Entry> plans_;
};

}  // namespace radial::video
