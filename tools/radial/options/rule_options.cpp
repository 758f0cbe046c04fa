#include "options/rule_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "options/option_values.h"
#include "radial/base/error.h"
#include "radial/mask/radial_mask.h"
#include "radial/plan/block_plan.h"

namespace radial::tools {
namespace {

constexpr const char* kHeading = "Which mask";
constexpr const char* kComparisonHeading = "Parameters of the masks to compare with";

DistanceOne parse_distance_one(const std::string& text) {
  constexpr std::pair<const char*, DistanceOne> kNames[] = {{"rule", DistanceOne::kRule},
                                                            {"whole", DistanceOne::kWhole},
                                                            {"half", DistanceOne::kHalf},
                                                            {"band", DistanceOne::kBand}};
  for (const auto& [name, value] : kNames) {
    if (text == name) return value;
  }
  refuse("--distance-one", "rule, whole, half or band", text);
}

RuleInfo rule_called(const std::string& name) {
  std::vector<std::string> names;
  std::string list;
  for (const RuleInfo& rule : mask_rules()) {
    if (rule.name == name) return rule;
    names.push_back(rule.name);
    list += (list.empty() ? "" : ", ") + rule.name;
  }
  const std::string nearest = nearest_name(name, names);
  throw InvalidArgument(concat("--rule: expected one of ", list, ", got ", in_quotes(name),
                               nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

// The option that sets `field` of MaskOptions.
std::string option_of(std::string field) {
  if (field == "width") return "--window-width";
  if (field.starts_with("window_")) return "--window";
  std::ranges::replace(field, '_', '-');
  return "--" + field;
}

// The library's messages begin with the field of MaskOptions that is wrong; people know options.
std::string in_words_of_options(const std::string& message) {
  const std::size_t end = message.find(':');
  const std::string field = message.substr(0, end);
  const bool is_field = end != std::string::npos && field.find(' ') == std::string::npos;
  return is_field ? option_of(field) + message.substr(end) : message;
}

std::string options_of(const RuleInfo& rule) {
  std::vector<std::string> options;
  for (const std::string& parameter : rule.parameters) {
    std::string option = option_of(parameter);
    if (std::ranges::find(options, option) == options.end()) options.push_back(std::move(option));
  }
  return fmt::format("{}", fmt::join(options, " "));
}

}  // namespace

void RuleOptions::add_to(CLI::App& app) {
  OptionGroup group(app, kHeading);
  group.add_value(
      "--rule,--attention,--pattern,--attn-mode", "NAME",
      [this](const std::string& text) { options_.rule = text; },
      "The mask rule; default radial. 'radial mask --rules' lists all");
  group.add_value(
      "--decay-factor", "X",
      [this](const std::string& text) {
        decay_factor_ =
            parse_number("--decay-factor", text, 0, std::numeric_limits<double>::infinity());
      },
      "Scales every band: smaller is sparser. Default 1; with --model wan2.1 0.2, wan2.2 0.8, "
      "hunyuanvideo 0.95, mochi 1");
  group.add_value(
      "--density", "X",
      [this](const std::string& text) { density_ = parse_number("--density", text, 0, 1); },
      "Choose the rule's parameter (its decay factor, where it has one) so that this share of all "
      "blocks is kept, such as 0.2");
  group.add_value(
      "--block-size", "N",
      [this](const std::string& text) {
        if (text != "64" && text != "128") refuse("--block-size", "64 or 128", text);
        options_.block_size = text == "64" ? 64 : 128;
      },
      "Tokens per block edge, 64 or 128; default 128");
  add_shape_options(app);
  add_comparison_options(app);
}

void RuleOptions::add_switch(CLI::App& app, const std::string& name, std::optional<bool>& target,
                             const std::string& help) {
  OptionGroup group(app, kHeading);
  CLI::Option* on = group.add_flag(
      "--" + name, [&target] { target = true; }, help);
  CLI::Option* off = group.add_flag(
      "--no-" + name, [&target] { target = false; }, "Not that; default: as the rule has it");
  on->excludes(off);
}

void RuleOptions::add_shape_options(CLI::App& app) {
  OptionGroup group(app, kHeading);
  add_switch(app, "sink", options_.sink, "Every query sees the first frames whole");
  group.add_value(
      "--sink-frames", "N",
      [this](const std::string& text) {
        options_.sink_frames = static_cast<std::int32_t>(parse_integer("--sink-frames", text, {}));
      },
      "How many first latent frames the sink has; default 1");
  group.add_value(
      "--distance-one", "HOW",
      [this](const std::string& text) { options_.distance_one = parse_distance_one(text); },
      "How a query sees the frames next to its own: rule (as the rule has it; the default), whole, "
      "half, or band "
      "(the width of farther frames, continued)");
  add_switch(app, "thinning", options_.thinning,
             "Skip far frames once the band is narrower than the threshold");
  group.add_value(
      "--thinning-threshold", "N",
      [this](const std::string& text) {
        options_.thinning_threshold =
            static_cast<std::int32_t>(parse_integer("--thinning-threshold", text, {}));
      },
      "That threshold in tokens; default: as the rule has it");
}

void RuleOptions::add_comparison_options(CLI::App& app) {
  OptionGroup group(app, kComparisonHeading);
  group.add_value(
      "--span", "N",
      [this](const std::string& text) {
        options_.span = static_cast<std::int32_t>(parse_integer("--span", text, {.least = 0}));
      },
      "spatial: latent frames to each side; power: blocks to each side");
  group.add_value(
      "--window-width", "N",
      [this](const std::string& text) {
        options_.width = parse_integer("--window-width", text, {.least = 0});
      },
      "temporal, window: tokens to each side");
  group.add_value(
      "--window", "F,H,W",
      [this](const std::string& text) {
        const auto sizes =
            parse_integers("--window", text, ",", 3, "F,H,W (frames, tile rows, tile columns)");
        options_.window_frames = static_cast<std::int32_t>(sizes[0]);
        options_.window_tiles_h = static_cast<std::int32_t>(sizes[1]);
        options_.window_tiles_w = static_cast<std::int32_t>(sizes[2]);
      },
      "sliding-tile: size of the window in frames, tile rows and tile columns");
}

void RuleOptions::refuse_what_the_rule_lacks() const {
  const RuleInfo rule = rule_called(options_.rule);
  const bool has_decay =
      std::ranges::find(rule.parameters, "decay_factor") != rule.parameters.end();
  if (decay_factor_ && !has_decay) {
    throw InvalidArgument("--decay-factor: rule " + rule.name + " has no such parameter");
  }
  // Density would turn what was given as well: two answers to one question.
  if (decay_factor_ && density_ && rule.density_parameter == "decay_factor") {
    throw InvalidArgument("--density and --decay-factor: expected one of them for rule " +
                          rule.name + ", whose decay factor the density decides, got both");
  }
}

MaskOptions RuleOptions::resolve(const VideoLayout& layout,
                                 const ModelGeometry* maybe_model) const {
  refuse_what_the_rule_lacks();
  MaskOptions options = options_;
  const double model_decay = maybe_model == nullptr ? 1.0 : maybe_model->decay_factor;
  options.decay_factor = decay_factor_.value_or(model_decay);
  try {
    const RadialMask checked(layout, options);
    return density_ ? options_for_density(layout, options, *density_) : options;
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(in_words_of_options(error.what()));
  }
}

std::string rules_text() {
  std::string text;
  for (const RuleInfo& rule : mask_rules()) {
    text += fmt::format("{}, version {}: {}\n", rule.name, rule.version, rule.summary);
    if (!rule.parameters.empty()) text += fmt::format("    takes {}\n", options_of(rule));
    if (!rule.density_parameter.empty()) {
      text += fmt::format("    --density chooses {}\n", option_of(rule.density_parameter));
    }
  }
  return text;
}

}  // namespace radial::tools
