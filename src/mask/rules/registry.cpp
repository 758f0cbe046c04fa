#include "mask/rules/registry.h"

#include <algorithm>
#include <cmath>

#include "radial/base/error.h"

namespace radial {
namespace {

bool has_parameter(const RuleEntry& entry, std::string_view parameter) {
  return std::ranges::find(entry.info.parameters, parameter) != entry.info.parameters.end();
}

void refuse_foreign(const RuleEntry& entry, const MaskOptions& options) {
  const auto check = [&](std::string_view parameter, bool given) {
    RADIAL_REQUIRE(!given || has_parameter(entry, parameter), parameter, ": rule ", entry.info.name,
                   " has no such parameter");
  };
  check("sink", options.sink.value_or(false));
  check("distance_one", options.distance_one != DistanceOne::kRule);
  check("thinning", options.thinning.has_value());
  check("thinning_threshold", options.thinning_threshold.has_value());
  check("span", options.span.has_value());
  check("width", options.width.has_value());
  check("window_frames", options.window_frames.has_value());
  check("window_tiles_h", options.window_tiles_h.has_value());
  check("window_tiles_w", options.window_tiles_w.has_value());
}

void check_values(const VideoLayout& layout, const MaskOptions& options) {
  RADIAL_REQUIRE(options.block_size == 64 || options.block_size == 128,
                 "block_size: expected 64 or 128, got ", options.block_size);
  RADIAL_REQUIRE(std::isfinite(options.decay_factor) && options.decay_factor > 0,
                 "decay_factor: expected a finite number above 0, got ", options.decay_factor);
  RADIAL_REQUIRE(options.sink_frames >= 1 && options.sink_frames <= layout.frames,
                 "sink_frames: expected 1 to ", layout.frames, ", got ", options.sink_frames);
  RADIAL_REQUIRE(options.thinning_threshold.value_or(1) >= 1,
                 "thinning_threshold: expected at least 1 token, got ",
                 options.thinning_threshold.value_or(1));
  RADIAL_REQUIRE(options.span.value_or(0) >= 0, "span: expected at least 0, got ",
                 options.span.value_or(0));
  RADIAL_REQUIRE(options.width.value_or(0) >= 0, "width: expected at least 0 tokens, got ",
                 options.width.value_or(0));
}

}  // namespace

const std::vector<RuleEntry>& rule_registry() {
  static const std::vector<RuleEntry> registry = {
      radial_rule(),       released_v1_rule(), released_v2_rule(), released_hunyuan_rule(),
      paper_rule(),        harmonic_rule(),    disc_rule(),        disc_square_rule(),
      dense_rule(),        spatial_rule(),     temporal_rule(),    window_rule(),
      sliding_tile_rule(), power_rule(),
  };
  return registry;
}

const RuleEntry& rule_entry(std::string_view name) {
  std::string known;
  for (const RuleEntry& entry : rule_registry()) {
    if (entry.info.name == name) return entry;
    known += concat(known.empty() ? "" : ", ", entry.info.name);
  }
  throw InvalidArgument(concat("rule: expected one of ", known, "; got '", name, "'"));
}

MaskOptions resolved_options(const VideoLayout& layout, const MaskOptions& options) {
  const RuleEntry& entry = rule_entry(options.rule);
  refuse_foreign(entry, options);
  check_values(layout, options);
  MaskOptions resolved = options;
  if (!has_parameter(entry, "sink")) resolved.sink.reset();
  entry.set_defaults(layout, resolved);
  check_values(layout, resolved);
  return resolved;
}

std::vector<RuleInfo> mask_rules() {
  std::vector<RuleInfo> infos;
  for (const RuleEntry& entry : rule_registry()) infos.push_back(entry.info);
  return infos;
}

}  // namespace radial
