#include "mask/mask_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace radial::tools {
namespace {

RuleInfo rule_called(const std::string& name) {
  const std::vector<RuleInfo> rules = mask_rules();
  return *std::ranges::find(rules, name, &RuleInfo::name);
}

std::vector<DistanceBand> bands_of(const RadialMask& mask) {
  std::vector<DistanceBand> bands;
  // Distances left out between two of the same reach belong to their band (thinning); others are a
  // band of their own, of which nothing is kept.
  const auto leave_out = [&](std::int32_t end) {
    const std::int32_t begin = bands.empty() ? 0 : bands.back().last + 1;
    if (begin < end) bands.push_back({.first = begin, .last = end - 1});
  };
  std::int32_t end = 0;
  for (const DistanceInfo& info : describe_distances(mask)) {
    end = info.distance + 1;
    if (!info.kept) continue;
    const bool alike = !bands.empty() && bands.back().kept > 0 &&
                       bands.back().whole == info.whole && bands.back().reach == info.reach;
    if (!alike) {
      leave_out(info.distance);
      bands.push_back({.first = info.distance, .whole = info.whole, .reach = info.reach});
    }
    bands.back().last = info.distance;
    bands.back().kept += 1;
  }
  leave_out(end);
  return bands;
}

const char* name_of(DistanceOne value) {
  switch (value) {
    case DistanceOne::kRule:
      return "rule";
    case DistanceOne::kWhole:
      return "whole";
    case DistanceOne::kHalf:
      return "half";
    case DistanceOne::kBand:
      return "band";
  }
  return "rule";
}

// Every field of MaskOptions that a rule may have; empty where it is not set.
std::string value_of(const MaskOptions& options, const std::string& name) {
  const auto text = [](const auto& maybe_value) {
    return maybe_value ? fmt::format("{}", *maybe_value) : std::string();
  };
  if (name == "decay_factor") return fmt::format("{}", options.decay_factor);
  if (name == "sink") return text(options.sink);
  if (name == "sink_frames") return fmt::format("{}", options.sink_frames);
  if (name == "distance_one") return fmt::format("\"{}\"", name_of(options.distance_one));
  if (name == "thinning") return text(options.thinning);
  if (name == "thinning_threshold") return text(options.thinning_threshold);
  if (name == "span") return text(options.span);
  if (name == "width") return text(options.width);
  if (name == "window_frames") return text(options.window_frames);
  if (name == "window_tiles_h") return text(options.window_tiles_h);
  if (name == "window_tiles_w") return text(options.window_tiles_w);
  return {};
}

std::vector<Parameter> parameters_of(const RuleInfo& rule, const MaskOptions& options) {
  std::vector<Parameter> parameters;
  for (const std::string& name : rule.parameters) {
    const bool idle = name == "sink_frames" && !options.sink.value_or(false);
    std::string value = value_of(options, name);
    if (!idle && !value.empty()) parameters.push_back({name, std::move(value)});
  }
  parameters.push_back({"block_size", fmt::format("{}", options.block_size)});
  return parameters;
}

}  // namespace

MaskFacts collect_facts(const ResolvedLayout& source, const MaskOptions& options) {
  RadialMask mask(source.layout, options);
  BlockPlan plan = BlockPlan::build(mask);
  const PlanStats stats = plan.stats();
  const RuleInfo rule = rule_called(options.rule);
  std::vector<Parameter> parameters = parameters_of(rule, mask.options());
  // `power` speaks of distances between blocks, which say nothing about frames.
  std::vector<DistanceBand> bands =
      rule.name == "power" ? std::vector<DistanceBand>() : bands_of(mask);
  return {.source = source,
          .mask = std::move(mask),
          .plan = std::move(plan),
          .stats = stats,
          .rule = rule,
          .parameters = std::move(parameters),
          .bands = std::move(bands),
          .range = density_range(source.layout, options)};
}

}  // namespace radial::tools
