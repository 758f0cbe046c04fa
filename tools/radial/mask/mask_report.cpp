#include "mask/mask_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace radial::tools {
namespace {

std::string distances_line(const DistanceBand& band) {
  return band.first == band.last ? fmt::format("{}", band.first)
                                 : fmt::format("{}-{}", band.first, band.last);
}

std::string reach_of(const DistanceBand& band, const MaskFacts& facts) {
  const std::string& rule = facts.rule.name;
  const MaskOptions& options = facts.mask.options();
  if (band.kept == 0) return "nothing";
  if (band.whole) return "whole frame";
  if (rule.starts_with("disc")) return fmt::format("radius {:.3g} tokens", band.reach);
  if (rule == "window") return fmt::format("what is at most {} tokens away", *options.width);
  if (rule == "sliding-tile") {
    return fmt::format("{} x {} tiles around its own", *options.window_tiles_h,
                       *options.window_tiles_w);
  }
  return fmt::format("{:.6g} tokens to each side", band.reach);
}

std::string bands_text(const MaskFacts& facts) {
  // Rules whose reach changes at every distance would fill the screen: show the first and the last.
  constexpr std::size_t kHead = 12, kTail = 3;
  const std::size_t count = facts.bands.size();
  const bool shortened = count > kHead + kTail + 1;
  std::string text = fmt::format("  {:<13}a query sees\n", "frames apart");
  for (std::size_t i = 0; i < count; ++i) {
    if (shortened && i == kHead) text += "  ...\n";
    if (shortened && i >= kHead && i + kTail < count) continue;
    const DistanceBand& band = facts.bands[i];
    const std::int32_t distances = band.last - band.first + 1;
    text += fmt::format("  {:<13}{}", distances_line(band), reach_of(band, facts));
    if (band.kept > 0 && band.kept < distances) {
      text += fmt::format(", in {} of these {} distances", band.kept, distances);
    }
    text += '\n';
  }
  return text;
}

std::string floor_text(const MaskFacts& facts) {
  if (!facts.range) return "no parameter of this rule changes it";
  std::string name = facts.rule.density_parameter;
  std::ranges::replace(name, '_', ' ');
  return fmt::format("{:.4f}, however small the {}", facts.floor(), name);
}

std::string plain(const std::string& json_value) {
  if (json_value == "true") return "on";
  if (json_value == "false") return "off";
  return json_value.starts_with('"') ? json_value.substr(1, json_value.size() - 2) : json_value;
}

}  // namespace

std::string grouped(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string rule_line(const MaskFacts& facts) {
  std::string text = fmt::format("{}, version {}:", facts.rule.name, facts.rule.version);
  for (const Parameter& parameter : facts.parameters) {
    std::string name = parameter.name;
    std::ranges::replace(name, '_', ' ');
    text += fmt::format("{} {} {}", &parameter == &facts.parameters.front() ? "" : ",", name,
                        plain(parameter.value));
  }
  return text;
}

std::string report_text(const MaskFacts& facts) {
  const PlanStats& stats = facts.stats;
  const VideoLayout& layout = facts.source.layout;
  std::string text;
  text += fmt::format("rule      {}\n", rule_line(facts));
  text += fmt::format("          {}\n", facts.rule.summary);
  text += fmt::format("layout    {}\n", facts.source.to_string());
  text += fmt::format("tokens    {}, {} per frame\n", grouped(layout.total_tokens()),
                      grouped(layout.tokens_per_frame()));
  text += fmt::format("blocks    {} x {}, kept {} of {}\n", facts.pattern().num_query_blocks(),
                      facts.pattern().num_key_blocks(), grouped(stats.kept_blocks),
                      grouped(stats.all_blocks));
  text += fmt::format("density   {:.4f} ({:.1f} % of the work of dense attention)\n", stats.density,
                      100 * stats.density);
  text += fmt::format("floor     {}\n", floor_text(facts));
  text +=
      fmt::format("saving    attention does {:.2f}x less than dense attention\n", facts.saving());
  text += fmt::format("rows      longest {}, median {}, shortest {} key blocks\n",
                      stats.longest_row, stats.median_row, stats.shortest_row);
  if (facts.mask.options().sink.value_or(false)) {
    text += fmt::format("sink      every query sees the first {} whole\n",
                        facts.mask.options().sink_frames == 1
                            ? "frame"
                            : fmt::format("{} frames", facts.mask.options().sink_frames));
  }
  if (!facts.bands.empty()) text += "reach\n" + bands_text(facts);
  for (const std::string& warning : facts.plan.warnings()) text += "warning   " + warning + "\n";
  return text;
}

std::string report_json(const MaskFacts& facts) {
  using Json = nlohmann::ordered_json;
  const PlanStats& stats = facts.stats;
  const VideoLayout& layout = facts.source.layout;
  Json json;
  json["rule"] = {{"name", facts.rule.name}, {"version", facts.rule.version}};
  for (const Parameter& parameter : facts.parameters) {
    json["rule"]["parameters"][parameter.name] = Json::parse(parameter.value);
  }
  json["layout"] = {{"frames", layout.frames},
                    {"grid_h", layout.grid_h},
                    {"grid_w", layout.grid_w},
                    {"reference_tokens", layout.reference_tokens},
                    {"text_tokens", layout.text_tokens},
                    {"order", layout.order.kind == TokenOrder::Kind::kRaster ? "raster" : "tiled"},
                    {"total_tokens", layout.total_tokens()}};
  if (layout.order.kind == TokenOrder::Kind::kTiled) {
    json["layout"]["tile"] = {layout.order.tile_h, layout.order.tile_w};
  }
  if (facts.source.maybe_model != nullptr) {
    json["video"] = {{"model", facts.source.maybe_model->name},
                     {"width", facts.source.width},
                     {"height", facts.source.height},
                     {"num_frames", facts.source.num_frames}};
  }
  json["blocks"] = {{"rows", facts.pattern().num_query_blocks()},
                    {"columns", facts.pattern().num_key_blocks()},
                    {"kept", stats.kept_blocks},
                    {"all", stats.all_blocks}};
  json["density"] = stats.density;
  json["density_floor"] = facts.floor();
  json["attention_saving"] = facts.saving();
  json["rows"] = {{"longest", stats.longest_row},
                  {"median", stats.median_row},
                  {"shortest", stats.shortest_row},
                  {"empty", stats.empty_rows}};
  json["distances"] = Json::array();
  for (const DistanceBand& band : facts.bands) {
    Json entry = {
        {"first", band.first}, {"last", band.last}, {"kept", band.kept}, {"whole", band.whole}};
    if (band.kept > 0 && !band.whole) entry["reach"] = band.reach;
    json["distances"].push_back(entry);
  }
  json["warnings"] =
      std::vector<std::string>(facts.plan.warnings().begin(), facts.plan.warnings().end());
  return json.dump(2) + "\n";
}

}  // namespace radial::tools
