// Blocks whose distance is below a span or a power of two, and the first block: PowerAttention
// (arXiv 2503.03588), which the paper compares with.

#include <algorithm>
#include <bit>
#include <cmath>

#include "mask/rules/registry.h"

namespace radial {
namespace {

class PowerRule : public MaskRule {
 public:
  using MaskRule::MaskRule;

  Expansion expansion() const override { return Expansion::kBlocks; }

  bool keeps_block(std::int64_t query_block, std::int64_t key_block) const override {
    const auto distance = static_cast<std::uint64_t>(std::abs(query_block - key_block));
    return key_block == 0 || distance < static_cast<std::uint64_t>(*options_.span) ||
           distance == 0 || std::has_single_bit(distance);
  }

  /// Frames mean nothing to this rule; `keeps_block` decides.
  FrameWindow window(std::int32_t, std::int32_t) const override { return FrameWindow::whole(); }
};

std::int64_t num_blocks(const VideoLayout& layout, const MaskOptions& options) {
  return (layout.total_tokens() + options.block_size - 1) / options.block_size;
}

void set_defaults(const VideoLayout& layout, MaskOptions& options) {
  if (!options.span) {
    options.span =
        static_cast<std::int32_t>(std::max<std::int64_t>(1, num_blocks(layout, options) / 16));
  }
}

void set_density(const VideoLayout& layout, MaskOptions& options, double t) {
  options.span =
      static_cast<std::int32_t>(std::lround(t * static_cast<double>(num_blocks(layout, options))));
}

}  // namespace

RuleEntry power_rule() {
  return {{"power", "1", "near blocks and those a power of two away", {"span"}, "span"},
          set_defaults,
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<PowerRule>(layout, options);
          },
          set_density};
}

}  // namespace radial
