#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mask/mask_rule.h"

namespace radial {

/// One rule as the registry knows it.
struct RuleEntry {
  RuleInfo info;

  /// Sets every optional parameter the rule has and the caller left empty.
  void (*set_defaults)(const VideoLayout& layout, MaskOptions& options);

  /// Throws InvalidArgument on a parameter out of range.
  std::unique_ptr<MaskRule> (*make)(const VideoLayout& layout, const MaskOptions& options);

  /// Sets the density parameter to the place `t` of its range, from 0 (sparsest) to 1 (densest);
  /// null if the rule has none.
  void (*set_density)(const VideoLayout& layout, MaskOptions& options, double t) = nullptr;
};

/// All rules, the default first.
const std::vector<RuleEntry>& rule_registry();

/// The entry of that name; throws InvalidArgument that lists the known ones.
const RuleEntry& rule_entry(std::string_view name);

/// `options` with everything the rule has set; throws InvalidArgument on a bad value or on a
/// parameter the rule does not have.
MaskOptions resolved_options(const VideoLayout& layout, const MaskOptions& options);

// One per file of this folder.
RuleEntry radial_rule();
RuleEntry released_v1_rule();
RuleEntry released_v2_rule();
RuleEntry released_hunyuan_rule();
RuleEntry paper_rule();
RuleEntry harmonic_rule();
RuleEntry disc_rule();
RuleEntry disc_square_rule();
RuleEntry dense_rule();
RuleEntry spatial_rule();
RuleEntry temporal_rule();
RuleEntry window_rule();
RuleEntry sliding_tile_rule();
RuleEntry power_rule();

}  // namespace radial
