// The project's own rule: the released band widths with exact edges. Half a block is taken off each
// side because a block that holds one allowed pair is kept whole.

#include "mask/rules/bands.h"
#include "mask/rules/registry.h"

namespace radial {
namespace {

class RadialRule : public MaskRule {
 public:
  RadialRule(const VideoLayout& layout, const MaskOptions& options)
      : MaskRule(layout, options),
        thinning_(layout.tokens_per_frame(), *options.thinning_threshold, *options.thinning) {}

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int32_t distance = std::abs(query_frame - key_frame);
    const std::int64_t tokens = layout_.tokens_per_frame();
    if (distance == 0) return FrameWindow::whole();
    if (distance == 1 && options_.distance_one == DistanceOne::kWhole) return FrameWindow::whole();
    if (distance == 1 && options_.distance_one == DistanceOne::kHalf) {
      return FrameWindow::band(tokens / 2);
    }
    if (distance > 1 && !thinning_.keeps(distance)) return FrameWindow::nothing();
    const double width = std::max<double>(options_.block_size,
                                          options_.decay_factor * band_length(tokens, distance));
    return FrameWindow::band(whole_tokens(width - options_.block_size / 2));
  }

  std::int32_t next_distance(std::int32_t distance) const override {
    return distance <= 1 ? distance : thinning_.next(distance);
  }

 private:
  Thinning thinning_;
};

void set_defaults(const VideoLayout&, MaskOptions& options) {
  if (!options.sink) options.sink = true;
  if (options.distance_one == DistanceOne::kRule) options.distance_one = DistanceOne::kWhole;
  if (!options.thinning) options.thinning = true;
  if (!options.thinning_threshold) options.thinning_threshold = options.block_size;
}

}  // namespace

RuleEntry radial_rule() {
  return {
      {"radial",
       "1",
       "the released band widths with exact edges (default)",
       {"decay_factor", "sink", "sink_frames", "distance_one", "thinning", "thinning_threshold"},
       "decay_factor"},
      set_defaults,
      [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
        return std::make_unique<RadialRule>(layout, options);
      },
      set_decay_density};
}

}  // namespace radial
