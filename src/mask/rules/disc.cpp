// A two-dimensional window in the frame whose radius shrinks with the frame distance: R / d with
// R = decay factor times half the frame's diagonal, in token rows and columns.

#include "mask/rules/bands.h"
#include "mask/rules/registry.h"

namespace radial {
namespace {

enum class Metric : std::uint8_t { kEuclidean, kChebyshev };

template <Metric kMetric>
class DiscRule : public MaskRule {
 public:
  using MaskRule::MaskRule;

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int32_t distance = std::abs(query_frame - key_frame);
    if (distance == 0) return FrameWindow::whole();
    const double diagonal = std::hypot(layout_.grid_h, layout_.grid_w);
    // No two places are farther apart than the diagonal; bounding the radius keeps it an integer.
    const double radius =
        std::min(options_.decay_factor * diagonal / 2 / distance, std::ceil(diagonal));
    if constexpr (kMetric == Metric::kEuclidean) {
      return FrameWindow::disc(static_cast<std::int64_t>(std::floor(radius * radius)));
    }
    return FrameWindow::square(static_cast<std::int32_t>(std::floor(radius)));
  }
};

void set_defaults(const VideoLayout&, MaskOptions& options) {
  if (!options.sink) options.sink = false;
}

template <Metric kMetric>
RuleEntry entry(std::string name, std::string summary) {
  return {{std::move(name),
           "1",
           std::move(summary),
           {"decay_factor", "sink", "sink_frames"},
           "decay_factor"},
          set_defaults,
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<DiscRule<kMetric>>(layout, options);
          },
          set_decay_density};
}

}  // namespace

RuleEntry disc_rule() {
  return entry<Metric::kEuclidean>("disc", "2-D disc whose radius shrinks with the frame distance");
}

RuleEntry disc_square_rule() {
  return entry<Metric::kChebyshev>("disc-square",
                                   "2-D square whose radius shrinks with the frame distance");
}

}  // namespace radial
