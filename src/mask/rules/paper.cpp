// Eq. (4) of Radial Attention, arXiv 2506.19852 v2, with the attention sink of its Section 4.

#include <bit>

#include "mask/rules/registry.h"

namespace radial {
namespace {

class PaperRule : public MaskRule {
 public:
  using MaskRule::MaskRule;

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int32_t distance = std::abs(query_frame - key_frame);
    const std::int64_t tokens = layout_.tokens_per_frame();
    const std::int64_t octave = octave_of(distance);
    // |k - l| + 1 <= s / 2^r
    if (octave <= tokens) return FrameWindow::band(tokens / octave - 1);
    // d mod ceil(2^r / s) = 0 and k = l
    return distance % step(octave) == 0 ? FrameWindow::band(0) : FrameWindow::nothing();
  }

  std::int32_t next_distance(std::int32_t distance) const override {
    const std::int64_t tokens = layout_.tokens_per_frame();
    std::int64_t candidate = distance;
    while (candidate < kNoDistance) {
      const std::int64_t octave = octave_of(static_cast<std::int32_t>(candidate));
      if (octave <= tokens) return static_cast<std::int32_t>(candidate);
      const std::int64_t multiple = (candidate + step(octave) - 1) / step(octave) * step(octave);
      if (multiple < 2 * octave && multiple < kNoDistance) {
        return static_cast<std::int32_t>(multiple);
      }
      candidate = 2 * octave;
    }
    return kNoDistance;
  }

 private:
  /// 2^r with r = floor(log2 max(d, 1)).
  static std::int64_t octave_of(std::int32_t distance) {
    return std::bit_floor(static_cast<std::uint64_t>(distance < 1 ? 1 : distance));
  }
  std::int64_t step(std::int64_t octave) const {
    return (octave + layout_.tokens_per_frame() - 1) / layout_.tokens_per_frame();
  }
};

void set_defaults(const VideoLayout&, MaskOptions& options) {
  if (!options.sink) options.sink = true;
}

}  // namespace

RuleEntry paper_rule() {
  return {
      {"paper", "1", "Eq. (4) of the paper and the attention sink", {"sink", "sink_frames"}, ""},
      set_defaults,
      [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
        return std::make_unique<PaperRule>(layout, options);
      }};
}

}  // namespace radial
