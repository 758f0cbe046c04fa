// The masks that mit-han-lab/radial-attention computes (radial_attn/attn_mask.py), defects
// included.

#include "mask/rules/bands.h"
#include "mask/rules/registry.h"

namespace radial {
namespace {

class ReleasedRule : public MaskRule {
 public:
  ReleasedRule(const VideoLayout& layout, const MaskOptions& options)
      : MaskRule(layout, options),
        thinning_(layout.tokens_per_frame(), *options.thinning_threshold, *options.thinning) {}

  Expansion expansion() const override { return Expansion::kReleasedShrink; }

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int32_t distance = std::abs(query_frame - key_frame);
    const std::int64_t tokens = layout_.tokens_per_frame();
    if (!thinning_.keeps(distance)) return FrameWindow::nothing();
    if (distance == 0) return FrameWindow::whole();
    if (distance == 1 && options_.distance_one == DistanceOne::kWhole) return FrameWindow::whole();
    if (distance == 1 && options_.distance_one == DistanceOne::kHalf) {
      return FrameWindow::band(tokens / 2);
    }
    const double width = std::max<double>(options_.block_size,
                                          options_.decay_factor * band_length(tokens, distance));
    return FrameWindow::band(whole_tokens(width));
  }

  std::int32_t next_distance(std::int32_t distance) const override {
    return thinning_.next(distance);
  }

 private:
  Thinning thinning_;
};

template <bool kSink, DistanceOne kDistanceOne>
void set_defaults(const VideoLayout&, MaskOptions& options) {
  // The threshold is a literal in the reference code, whatever the block.
  constexpr std::int32_t kThreshold = 128;
  if (!options.sink) options.sink = kSink;
  if (options.distance_one == DistanceOne::kRule) options.distance_one = kDistanceOne;
  if (!options.thinning) options.thinning = true;
  if (!options.thinning_threshold) options.thinning_threshold = kThreshold;
}

template <bool kSink, DistanceOne kDistanceOne>
RuleEntry released(std::string name, std::string summary) {
  return {
      {std::move(name),
       "1",
       std::move(summary),
       {"decay_factor", "sink", "sink_frames", "distance_one", "thinning", "thinning_threshold"},
       "decay_factor"},
      set_defaults<kSink, kDistanceOne>,
      [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
        return std::make_unique<ReleasedRule>(layout, options);
      },
      set_decay_density};
}

}  // namespace

RuleEntry released_v1_rule() {
  return released<true, DistanceOne::kHalf>(
      "released-v1", "the reference code's first mask for Wan: half of the neighbour frames");
}

RuleEntry released_v2_rule() {
  return released<true, DistanceOne::kWhole>(
      "released-v2", "the reference code's mask for Wan: whole neighbour frames");
}

RuleEntry released_hunyuan_rule() {
  return released<false, DistanceOne::kWhole>(
      "released-hunyuan", "the reference code's mask for HunyuanVideo: no sink");
}

}  // namespace radial
