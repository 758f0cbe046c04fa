// Bytes -> layout and options -> either a one-line refusal or a plan that keeps its laws.

#include <string>

#include "input.h"
#include "plan_laws.h"
#include "radial/base/error.h"

namespace radial::testing {
namespace {

constexpr std::int64_t kMostTokens = 6000;  // so that one input takes milliseconds

VideoLayout layout_from(FuzzInput& input) {
  VideoLayout layout;
  layout.frames = input.odd_int();
  layout.grid_h = input.odd_int();
  layout.grid_w = input.odd_int();
  if (input.flag()) layout.reference_tokens = input.odd_int();
  if (input.flag()) layout.text_tokens = input.odd_int();
  if (input.flag()) layout.order = TokenOrder::tiled(input.odd_int(), input.odd_int());
  return layout;
}

MaskOptions options_from(FuzzInput& input) {
  static const std::vector<RuleInfo> rules = mask_rules();
  MaskOptions options;
  options.rule =
      rules[static_cast<std::size_t>(input.pick(0, static_cast<std::int32_t>(rules.size()) - 1))]
          .name;
  options.block_size = input.flag() ? 128 : 64;
  if (input.flag()) options.decay_factor = input.odd_real();
  if (input.flag()) options.sink = input.flag();
  if (input.flag()) options.sink_frames = input.odd_int();
  if (input.flag()) options.distance_one = static_cast<DistanceOne>(input.pick(0, 3));
  if (input.flag()) options.thinning = input.flag();
  if (input.flag()) options.thinning_threshold = input.odd_int();
  if (input.flag()) options.span = input.odd_int();
  if (input.flag()) options.width = input.odd_int();
  if (input.flag()) options.window_frames = input.odd_int();
  if (input.flag()) options.window_tiles_h = input.odd_int();
  if (input.flag()) options.window_tiles_w = input.odd_int();
  return options;
}

/// Pairs drawn from the input: those that the rule allows lie in kept blocks, but for the released
/// rules, which follow the reference's own way from tokens to blocks.
void check_pairs(const RadialMask& mask, const BlockPlan& plan, FuzzInput& input) {
  if (mask.options().rule.starts_with("released")) return;
  const auto last = static_cast<std::int32_t>(mask.layout().total_tokens() - 1);
  for (int i = 0; i < 200; ++i) {
    // Beyond the input's end the pairs follow a fixed walk.
    const std::int32_t query = input.empty() ? i * 7919 % (last + 1) : input.pick(0, last);
    const std::int32_t key = input.empty() ? i * 104729 % (last + 1) : input.pick(0, last);
    if (!mask.attends(query, key)) continue;
    RADIAL_HOLDS(plan.pattern(0).contains(query / plan.block_size(), key / plan.block_size()));
  }
}

void check_own_frames(const RadialMask& mask, const BlockPlan& plan) {
  const std::string& rule = mask.options().rule;
  if (rule != "radial" && rule != "paper" && rule != "harmonic" && !rule.starts_with("disc"))
    return;
  RADIAL_HOLDS(plan.stats().empty_rows == 0);
  const VideoLayout& layout = mask.layout();
  for (std::int64_t frame = 0; frame < layout.frames; ++frame) {
    const std::int64_t begin = layout.video_begin() + frame * layout.tokens_per_frame();
    const auto first = static_cast<std::int32_t>(begin / plan.block_size());
    const auto last =
        static_cast<std::int32_t>((begin + layout.tokens_per_frame() - 1) / plan.block_size());
    for (std::int32_t row = first; row <= last; ++row) {
      for (std::int32_t column = first; column <= last; ++column) {
        RADIAL_HOLDS(plan.pattern(0).contains(row, column));
      }
    }
  }
}

void run(FuzzInput input) {
  const VideoLayout layout = layout_from(input);
  const MaskOptions options = options_from(input);
  try {
    const RadialMask mask(layout, options);
    if (layout.total_tokens() > kMostTokens) return;
    const BlockPlan plan = BlockPlan::build(mask);
    RADIAL_HOLDS(plan.query_tokens() == layout.total_tokens());
    check_pattern(plan.pattern(0));
    check_order(plan.pattern(0));
    check_forms(plan.pattern(0));
    check_own_frames(mask, plan);
    check_pairs(mask, plan, input);
  } catch (const InvalidArgument& error) {
    RADIAL_HOLDS(std::string(error.what()).find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({data, size});
  return 0;
}
