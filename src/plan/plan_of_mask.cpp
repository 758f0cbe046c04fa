// The plan of a mask, and the search for a density.

#include <cmath>

#include "mask/rules/registry.h"
#include "plan/row_maker.h"
#include "radial/base/error.h"
#include "radial/plan/block_plan.h"

namespace radial {
namespace {

/// Names the rows that see nothing: a defect the released rules have by definition.
std::vector<std::string> warnings_of(const BlockPattern& pattern, const RadialMask& mask) {
  constexpr int kMostNamed = 8;
  std::string rows;
  int count = 0;
  for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
    if (pattern.row_size(row) > 0) continue;
    if (count < kMostNamed) rows += concat(count ? ", " : "", row);
    ++count;
  }
  if (count == 0) return {};
  return {concat("rule ", mask.options().rule, ": ", count,
                 count == 1 ? " block row sees" : " block rows see", " no key (", rows,
                 count > kMostNamed ? ", ..." : "", "); their output is zero")};
}

double density_of(const VideoLayout& layout, const MaskOptions& options) {
  return BlockPlan::build(RadialMask(layout, options)).stats().density;
}

const RuleEntry& entry_with_density(const MaskOptions& options) {
  const RuleEntry& entry = rule_entry(options.rule);
  RADIAL_REQUIRE(entry.set_density != nullptr, "density: rule ", options.rule,
                 " has no parameter that turns it");
  return entry;
}

DensityRange range_of(const RuleEntry& entry, const VideoLayout& layout,
                      const MaskOptions& options) {
  MaskOptions least = options, most = options;
  entry.set_density(layout, least, 0);
  entry.set_density(layout, most, 1);
  return {density_of(layout, least), density_of(layout, most)};
}

}  // namespace

BlockPlan BlockPlan::build(const RadialMask& mask) {
  const std::unique_ptr<RowMaker> rows = make_row_maker(mask);
  const std::int32_t num_blocks = rows->num_blocks();
  BlockPatternBuilder builder(num_blocks, num_blocks);
  RowBits bits(num_blocks);
  for (std::int32_t row = 0; row < num_blocks; ++row) {
    rows->make(row, bits);
    builder.add_row(bits.bits());
  }
  BlockPlan plan;
  plan.block_size_ = mask.options().block_size;
  plan.query_tokens_ = plan.key_tokens_ = mask.layout().total_tokens();
  plan.text_begin_ = mask.layout().text_begin();
  plan.patterns_.push_back(builder.finish());
  plan.description_ = mask.to_string();
  plan.warnings_ = warnings_of(plan.patterns_.front(), mask);
  return plan;
}

std::optional<DensityRange> density_range(const VideoLayout& layout, const MaskOptions& options) {
  const RuleEntry& entry = rule_entry(options.rule);
  if (!entry.set_density) return std::nullopt;
  return range_of(entry, layout, options);
}

MaskOptions options_for_density(const VideoLayout& layout, const MaskOptions& options,
                                double density) {
  const RuleEntry& entry = entry_with_density(options);
  const DensityRange range = range_of(entry, layout, options);
  RADIAL_REQUIRE(density >= range.least && density <= range.most, "density: expected ", range.least,
                 " to ", range.most, " for rule ", options.rule, " on ", layout.to_string(),
                 ", got ", density);
  // Density is a staircase in t, so the bisection ends on the step's edge and the nearer side wins.
  constexpr int kSteps = 40;
  double below = 0, above = 1;
  double density_below = range.least, density_above = range.most;
  for (int step = 0; step < kSteps && density_below < density && density < density_above; ++step) {
    const double middle = (below + above) / 2;
    MaskOptions candidate = options;
    entry.set_density(layout, candidate, middle);
    const double reached = density_of(layout, candidate);
    (reached <= density ? below : above) = middle;
    (reached <= density ? density_below : density_above) = reached;
  }
  MaskOptions best = options;
  const bool take_below = density - density_below <= density_above - density;
  entry.set_density(layout, best, take_below ? below : above);
  return best;
}

}  // namespace radial
