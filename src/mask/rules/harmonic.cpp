// Band width inversely proportional to the frame distance: the paper's "harmonic series" baseline.

#include "mask/rules/bands.h"
#include "mask/rules/registry.h"

namespace radial {
namespace {

class HarmonicRule : public MaskRule {
 public:
  using MaskRule::MaskRule;

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int32_t distance = std::abs(query_frame - key_frame);
    const std::int64_t tokens = layout_.tokens_per_frame();
    if (distance == 0) return FrameWindow::whole();
    if (distance == 1 && options_.distance_one == DistanceOne::kWhole) return FrameWindow::whole();
    if (distance == 1 && options_.distance_one == DistanceOne::kHalf) {
      return FrameWindow::band(tokens / 2);
    }
    const double width = options_.decay_factor * static_cast<double>(tokens) / distance;
    return FrameWindow::band(whole_tokens(width));
  }
};

void set_defaults(const VideoLayout&, MaskOptions& options) {
  if (!options.sink) options.sink = true;
  if (options.distance_one == DistanceOne::kRule) options.distance_one = DistanceOne::kWhole;
}

}  // namespace

RuleEntry harmonic_rule() {
  return {{"harmonic",
           "1",
           "band width inversely proportional to the frame distance",
           {"decay_factor", "sink", "sink_frames", "distance_one"},
           "decay_factor"},
          set_defaults,
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<HarmonicRule>(layout, options);
          },
          set_decay_density};
}

}  // namespace radial
