#pragma once

#include <algorithm>
#include <random>

#include "radial/mask/radial_mask.h"

namespace radial::testing {

/// Random small problems of the mask layer, each from a seed.
class RandomLayouts {
 public:
  explicit RandomLayouts(unsigned seed) : random_(seed) {}

  int pick(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
  double real(double least, double most) {
    return std::uniform_real_distribution<double>(least, most)(random_);
  }

  /// At most about `most_tokens` video tokens, sometimes tiled, sometimes with global tokens.
  VideoLayout layout(int most_tokens) {
    VideoLayout made;
    made.grid_h = pick(1, 14);
    made.grid_w = pick(1, 14);
    made.frames = pick(1, std::clamp(most_tokens / (made.grid_h * made.grid_w), 1, 250));
    if (pick(0, 1)) made.order = TokenOrder::tiled(pick(1, 6), pick(1, 6));
    if (pick(0, 3) == 0) made.reference_tokens = pick(1, 150);
    if (pick(0, 3) == 0) made.text_tokens = pick(1, 150);
    return made;
  }

  /// Options of `rule` with random values of the parameters it has.
  MaskOptions options(const RuleInfo& rule, const VideoLayout& layout) {
    MaskOptions made{.rule = rule.name};
    made.block_size = pick(0, 1) ? 128 : 64;
    for (const std::string& parameter : rule.parameters) {
      if (parameter == "decay_factor") made.decay_factor = real(0.01, 3);
      if (parameter == "sink" && pick(0, 1)) made.sink = pick(0, 1) == 1;
      if (parameter == "sink_frames") made.sink_frames = pick(1, layout.frames);
      if (parameter == "distance_one") {
        made.distance_one = static_cast<DistanceOne>(pick(0, 3));
      }
      if (parameter == "thinning" && pick(0, 1)) made.thinning = pick(0, 1) == 1;
      if (parameter == "thinning_threshold" && pick(0, 1)) made.thinning_threshold = pick(1, 300);
      if (parameter == "span" && pick(0, 1)) made.span = pick(0, layout.frames);
      if (parameter == "width" && pick(0, 1)) made.width = pick(0, 200);
    }
    return made;
  }

 private:
  std::mt19937 random_;
};

}  // namespace radial::testing
