// A band of constant width in every frame: the "temporal head" mask of Sparse VideoGen
// (arXiv 2502.01776), which the paper compares with.

#include <algorithm>
#include <cmath>

#include "mask/rules/registry.h"

namespace radial {
namespace {

class TemporalRule : public MaskRule {
 public:
  using MaskRule::MaskRule;
  FrameWindow window(std::int32_t, std::int32_t) const override {
    return FrameWindow::band(*options_.width);
  }
};

void set_defaults(const VideoLayout& layout, MaskOptions& options) {
  if (!options.sink) options.sink = true;
  if (!options.width) {
    options.width = std::max<std::int64_t>(options.block_size, layout.tokens_per_frame() / 8);
  }
}

void set_density(const VideoLayout& layout, MaskOptions& options, double t) {
  options.width = std::llround(t * static_cast<double>(layout.tokens_per_frame() - 1));
}

}  // namespace

RuleEntry temporal_rule() {
  return {{"temporal",
           "1",
           "a band of constant width in every frame",
           {"width", "sink", "sink_frames"},
           "width"},
          set_defaults,
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<TemporalRule>(layout, options);
          },
          set_density};
}

}  // namespace radial
