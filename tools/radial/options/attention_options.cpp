#include "options/attention_options.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "options/model_geometry.h"
#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

constexpr const char* kHeading = "When and in which order";
constexpr const char* kModelName = "wan2.1";

double parse_part(const std::string& option, const std::string& text) {
  if (text == "0") return 0;
  try {
    return parse_number(option, text, 0, 1);
  } catch (const InvalidArgument&) {
    refuse(option, "a part of the run from 0 to 1, such as 0.25", text);
  }
}

// Step i of N begins at the part i / N of the run.
video::PlaceSet steps_between(double start, double end, int num_steps) {
  constexpr double kRounding = 1e-9;
  const int first = static_cast<int>(std::ceil(start * num_steps - kRounding));
  const int last = static_cast<int>(std::ceil(end * num_steps - kRounding)) - 1;
  if (first > last) return {};
  return {"--dense-start-percent", concat(first, "-", last)};
}

}  // namespace

void AttentionOptions::add_to(CLI::App& app) {
  rule_.add_to(app);
  rule_option_ = app.get_option("--rule");
  OptionGroup group(app, kHeading);
  group.add_value(
      "--token-order", "ORDER",
      [this](const std::string& text) {
        tiled_ = text != "raster";
        tile_.reset();
        if (text == "raster" || text == "tiled") return;
        if (!text.starts_with("tiled:")) {
          refuse("--token-order", "raster, tiled or tiled:HxW", text);
        }
        const auto sizes = parse_integers("--token-order", text.substr(6), "xX*", 2, "tiled:HxW");
        tile_ = {static_cast<std::int32_t>(sizes[0]), static_cast<std::int32_t>(sizes[1])};
      },
      "raster (default), tiled (patches as large as a block) or tiled:HxW");
  group.add_value(
      "--dense-layers", "PLACES",
      [this](const std::string& text) { dense_layers_ = video::PlaceSet("--dense-layers", text); },
      "Layers that stay dense: a count from the first, last:N, or numbers from 0 such as 0-1,29");
  CLI::Option* const steps = group.add_value(
      "--dense-timesteps,--dense-steps", "PLACES",
      [this](const std::string& text) {
        dense_steps_ = video::PlaceSet("--dense-timesteps", text);
      },
      "Steps that stay dense: likewise, or noise levels such as noise:0.9-1");
  const auto add_part = [&](const std::string& name, std::optional<double>& target,
                            const std::string& help) {
    group
        .add_value(
            name, "X",
            [&target, name](const std::string& text) { target = parse_part(name, text); }, help)
        ->excludes(steps);
  };
  add_part("--dense-start-percent", dense_start_,
           "From this part of the run on, 0 (default) to 1, steps stay dense");
  add_part("--dense-end-percent", dense_end_, "Up to this part of the run; default 1");
  group.add_value(
      "--last-dense-timesteps", "N",
      [this](const std::string& text) {
        parse_integer("--last-dense-timesteps", text, {.least = 0, .most = 1000});
        last_dense_steps_ = video::PlaceSet("--last-dense-timesteps", "last:" + text);
      },
      "So many of the last steps stay dense, too");
  group.add_value(
      "--preset", "NAME", [this](const std::string& text) { preset_ = attention_preset(text); },
      "paper, long or fast: the rule radial with a decay factor, dense layers and steps that go "
      "together; what is given beside it wins");
}

TokenOrder AttentionOptions::token_order() const {
  if (!tiled_) return {};
  // Tiles twice as wide as high at 128 tokens, squares at 64: as compact as a block can be.
  const std::array<std::int32_t, 2> block_tile = {8, rule_.block_size() / 8};
  const auto [tile_h, tile_w] = tile_.value_or(block_tile);
  return TokenOrder::tiled(tile_h, tile_w);
}

void AttentionOptions::stay_dense(std::optional<int> layers, std::optional<int> steps) {
  if (layers) dense_layers_ = video::PlaceSet("--dense-layers", concat(*layers));
  if (!steps) return;
  dense_steps_ = video::PlaceSet("--dense-timesteps", concat(*steps));
  dense_start_ = dense_end_ = std::nullopt;
}

video::AttentionOptions AttentionOptions::resolve(const VideoLayout& layout, int num_steps) const {
  const auto first = [](int count) { return video::PlaceSet("--preset", concat(count)); };
  video::AttentionOptions resolved{.order = token_order()};
  resolved.dense.last_dense_steps = last_dense_steps_;
  RuleOptions rule = rule_;
  const bool named = rule_option_->count() > 0;
  if (preset_) {
    const int quarter = num_steps / 4;
    resolved.dense.dense_layers = first(preset_->dense_layers);
    resolved.dense.dense_steps = first(std::min(num_steps, preset_->dense_steps.value_or(quarter)));
    if (!named) rule.prefer_decay_factor(preset_->decay_factor);
  }
  if (dense_layers_) resolved.dense.dense_layers = *dense_layers_;
  if (dense_steps_) resolved.dense.dense_steps = *dense_steps_;
  if (dense_start_ || dense_end_) {
    const double start = dense_start_.value_or(0), end = dense_end_.value_or(1);
    if (start >= end) {
      throw InvalidArgument(concat(
          "--dense-end-percent: expected more than --dense-start-percent, ", start, ", got ", end));
    }
    resolved.dense.dense_steps = steps_between(start, end, num_steps);
  }
  if (!named && !preset_) return resolved;
  VideoLayout ordered = layout;
  ordered.order = resolved.order;
  const MaskOptions mask = rule.resolve(ordered, &model_geometry("--model", kModelName));
  if (mask.rule != "dense") resolved.mask = mask;
  return resolved;
}

}  // namespace radial::tools
