#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "options/layout_options.h"
#include "radial/mask/radial_mask.h"
#include "radial/plan/block_plan.h"

namespace radial::tools {

/// Neighbouring frame distances that a query treats alike.
struct DistanceBand {
  std::int32_t first = 0, last = 0;  ///< distances in latent frames
  std::int32_t kept = 0;             ///< how many of them are seen at all
  bool whole = false;                ///< those are seen whole
  double reach = 0;                  ///< else their one-sided width or radius
};

/// A parameter the rule has, as resolved.
struct Parameter {
  std::string name;   ///< field of MaskOptions
  std::string value;  ///< as a JSON value
};

/// Everything `radial mask` tells about a mask, computed once for all outputs.
struct MaskFacts {
  ResolvedLayout source;
  RadialMask mask;
  BlockPlan plan;
  PlanStats stats;
  RuleInfo rule;
  std::vector<Parameter> parameters;
  std::vector<DistanceBand> bands;    ///< empty for rules that do not speak of frames
  std::optional<DensityRange> range;  ///< empty: nothing turns this rule's density

  const BlockPattern& pattern() const { return plan.patterns()[0]; }
  /// The density that no value of the rule's parameter goes below.
  double floor() const { return range ? range->least : stats.density; }
  /// Dense attention's work divided by this mask's.
  double saving() const { return 1.0 / stats.density; }
};

MaskFacts collect_facts(const ResolvedLayout& source, const MaskOptions& options);

}  // namespace radial::tools
