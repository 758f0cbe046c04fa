#include "radial/mask/radial_mask.h"

#include "mask/mask_rule.h"
#include "mask/rules/registry.h"
#include "radial/base/error.h"

namespace radial {

RadialMask::RadialMask(const VideoLayout& layout, const MaskOptions& options) : layout_(layout) {
  layout.check();
  options_ = resolved_options(layout, options);
  rule_ = rule_entry(options_.rule).make(layout_, options_);
}

bool RadialMask::attends(std::int64_t query, std::int64_t key) const {
  const TokenPosition q = layout_.position_of(query), k = layout_.position_of(key);
  if (!q.is_video || !k.is_video) return true;
  if (rule_->expansion() == Expansion::kBlocks) {
    return rule_->keeps_block(query / options_.block_size, key / options_.block_size);
  }
  if (k.frame < rule_->sink_frames()) return true;
  const auto raster = [&](const TokenPosition& place) {
    return std::int64_t{place.row} * layout_.grid_w + place.column;
  };
  return admits(rule_->window(q.frame, k.frame), *rule_, raster(q), raster(k));
}

std::string RadialMask::to_string() const {
  const RuleInfo& info = rule_entry(options_.rule).info;
  std::string text = concat(info.name, " ", info.version);
  for (const std::string& parameter : info.parameters) {
    if (parameter == "decay_factor") text += concat(", decay ", options_.decay_factor);
    if (parameter == "sink") {
      text += *options_.sink ? concat(", sink ", options_.sink_frames) : std::string(", no sink");
    }
    if (parameter == "distance_one" && options_.distance_one != DistanceOne::kWhole) {
      text += options_.distance_one == DistanceOne::kHalf ? ", half neighbour frames"
                                                          : ", banded neighbour frames";
    }
    if (parameter == "thinning" && !*options_.thinning) text += ", no thinning";
    if (parameter == "thinning_threshold" && *options_.thinning) {
      text += concat(", thinned below ", *options_.thinning_threshold);
    }
    if (parameter == "span") text += concat(", span ", *options_.span);
    if (parameter == "width") text += concat(", width ", *options_.width);
    if (parameter == "window_frames") {
      text += concat(", window ", *options_.window_frames, " x ", *options_.window_tiles_h, " x ",
                     *options_.window_tiles_w, " tiles");
    }
  }
  return concat(text, ", block ", options_.block_size, "; ", layout_.to_string());
}

std::vector<DistanceInfo> describe_distances(const RadialMask& mask) {
  std::vector<DistanceInfo> infos;
  for (std::int32_t distance = 0; distance < mask.layout().frames; ++distance) {
    infos.push_back(mask.rule().describe(distance));
  }
  return infos;
}

}  // namespace radial
