// A sliding window over the whole sequence, distances counted in raster order.

#include <algorithm>
#include <cmath>

#include "mask/rules/registry.h"

namespace radial {
namespace {

class WindowRule : public MaskRule {
 public:
  using MaskRule::MaskRule;

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int64_t tokens = layout_.tokens_per_frame();
    const std::int64_t shift = (std::int64_t{query_frame} - key_frame) * tokens;
    const std::int64_t low = shift - *options_.width, high = shift + *options_.width;
    if (low >= tokens || high <= -tokens) return FrameWindow::nothing();
    return FrameWindow::band(low, high);
  }

  std::int32_t next_distance(std::int32_t distance) const override {
    // Frames d apart are at least (d - 1) s + 1 tokens apart.
    const bool reached =
        distance == 0 ||
        (std::int64_t{distance} - 1) * layout_.tokens_per_frame() + 1 <= *options_.width;
    return reached ? distance : kNoDistance;
  }

  DistanceInfo describe(std::int32_t distance) const override {
    return {.distance = distance,
            .kept = next_distance(distance) == distance,
            .whole = false,
            .reach = static_cast<double>(*options_.width)};
  }
};

void set_defaults(const VideoLayout& layout, MaskOptions& options) {
  if (!options.sink) options.sink = false;
  if (!options.width) {
    options.width = std::max<std::int64_t>(options.block_size, layout.video_tokens() / 8);
  }
}

void set_density(const VideoLayout& layout, MaskOptions& options, double t) {
  options.width = std::llround(t * static_cast<double>(layout.video_tokens() - 1));
}

}  // namespace

RuleEntry window_rule() {
  return {{"window",
           "1",
           "a sliding window over the whole sequence",
           {"width", "sink", "sink_frames"},
           "width"},
          set_defaults,
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<WindowRule>(layout, options);
          },
          set_density};
}

}  // namespace radial
