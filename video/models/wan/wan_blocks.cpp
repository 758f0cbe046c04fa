#include "video/models/wan/wan_blocks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "radial/base/error.h"

namespace radial::video {

WanBlocks::WanBlocks(const WanConfig& config, const TensorScope& scope, std::int64_t num_swapped) {
  const std::int64_t count = config.num_layers;
  RADIAL_REQUIRE(num_swapped >= 0 && num_swapped < std::max<std::int64_t>(count, 1),
                 "blocks to swap: expected 0 to ", std::max<std::int64_t>(count - 1, 0), ", got ",
                 num_swapped);
  const std::int64_t places = std::min<std::int64_t>(2, count - num_swapped);
  const std::int64_t taking_turns = num_swapped == 0 ? 0 : num_swapped + places;
  if (taking_turns > 0) {
    swapped_ = std::make_unique<SwappedBlocks>(config, static_cast<std::size_t>(places));
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const TensorScope block = scope / std::to_string(i);
    Layer& layer = layers_.emplace_back();
    // Of every so many layers one crosses the next multiple of `count`.
    const bool is_swapped = (i + 1) * taking_turns / count > i * taking_turns / count;
    if (is_swapped) {
      layer.swapped_index = swapped_->size();
      swapped_->add(block);
    } else {
      layer.block.emplace(config, block);
    }
  }
}

const WanBlock& WanBlocks::on_device(std::size_t layer) const {
  const std::optional<WanBlock>& block = layers_[layer].block;
  if (!block) throw Unsupported(concat("block ", layer, ": expected on the device, got swapped"));
  return *block;
}

WanBlock& WanBlocks::on_device(std::size_t layer) {
  return const_cast<WanBlock&>(std::as_const(*this).on_device(layer));
}

void WanBlocks::for_each(const std::function<void(const WanBlock&, std::size_t layer)>& use) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (layer.block) {
      use(*layer.block, i);
    } else {
      use(swapped_->acquire(layer.swapped_index), i);
      swapped_->release(layer.swapped_index);
    }
  }
}

}  // namespace radial::video
