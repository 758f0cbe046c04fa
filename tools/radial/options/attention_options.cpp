#include "options/attention_options.h"

#include <string>

#include "options/model_geometry.h"
#include "options/option_values.h"

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
      [this](const std::string& text) {
        dense_.dense_layers = video::PlaceSet("--dense-layers", text);
      },
      "Layers that stay dense: a count from the first, last:N, or numbers from 0 such as 0-1,29");
  group.add_value(
      "--dense-timesteps,--dense-steps", "PLACES",
      [this](const std::string& text) {
        dense_.dense_steps = video::PlaceSet("--dense-timesteps", text);
      },
      "Steps that stay dense: likewise, or noise levels such as noise:0.9-1");
}

TokenOrder AttentionOptions::token_order() const {
  if (!tiled_) return {};
  // Tiles twice as wide as high at 128 tokens, squares at 64: as compact as a block can be.
  const std::array<std::int32_t, 2> block_tile = {8, rule_.block_size() / 8};
  const auto [tile_h, tile_w] = tile_.value_or(block_tile);
  return TokenOrder::tiled(tile_h, tile_w);
}

video::AttentionOptions AttentionOptions::resolve(const VideoLayout& layout) const {
  video::AttentionOptions resolved{.dense = dense_, .order = token_order()};
  if (rule_option_->count() == 0) return resolved;
  VideoLayout ordered = layout;
  ordered.order = resolved.order;
  const MaskOptions mask = rule_.resolve(ordered, &model_geometry("--model", kModelName));
  if (mask.rule != "dense") resolved.mask = mask;
  return resolved;
}

}  // namespace radial::tools
