#include "options/attention_options.h"

#include <algorithm>
#include <string>

#include "options/model_geometry.h"
#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

constexpr const char* kHeading = "When and in which order";
constexpr const char* kModelName = "wan2.1";

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
  group.add_value(
      "--dense-timesteps,--dense-steps", "PLACES",
      [this](const std::string& text) {
        dense_steps_ = video::PlaceSet("--dense-timesteps", text);
      },
      "Steps that stay dense: likewise, or noise levels such as noise:0.9-1");
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
  if (!named && !preset_) return resolved;
  VideoLayout ordered = layout;
  ordered.order = resolved.order;
  const MaskOptions mask = rule.resolve(ordered, &model_geometry("--model", kModelName));
  if (mask.rule != "dense") resolved.mask = mask;
  return resolved;
}

}  // namespace radial::tools
