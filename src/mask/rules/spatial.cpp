// Whole frames up to a distance: the "spatial head" mask of Sparse VideoGen (arXiv 2502.01776),
// which the paper compares with.

#include <algorithm>
#include <cmath>

#include "mask/rules/registry.h"

namespace radial {
namespace {

class SpatialRule : public MaskRule {
 public:
  using MaskRule::MaskRule;

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    return std::abs(query_frame - key_frame) <= *options_.span ? FrameWindow::whole()
                                                               : FrameWindow::nothing();
  }
  std::int32_t next_distance(std::int32_t distance) const override {
    return distance <= *options_.span ? distance : kNoDistance;
  }
};

void set_defaults(const VideoLayout& layout, MaskOptions& options) {
  if (!options.sink) options.sink = true;
  if (!options.span) options.span = std::max(1, layout.frames / 8);
}

void set_density(const VideoLayout& layout, MaskOptions& options, double t) {
  options.span = static_cast<std::int32_t>(std::lround(t * (layout.frames - 1)));
}

}  // namespace

RuleEntry spatial_rule() {
  return {
      {"spatial", "1", "whole frames up to a distance", {"span", "sink", "sink_frames"}, "span"},
      set_defaults,
      [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
        return std::make_unique<SpatialRule>(layout, options);
      },
      set_density};
}

}  // namespace radial
