#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "video/models/wan/swapped_blocks.h"
#include "video/models/wan/wan_block.h"

namespace radial::video {

/// All blocks of a transformer, of which some may lie in host memory; see SwappedBlocks.
class WanBlocks {
 public:
  WanBlocks() = default;
  /// Takes the blocks "0", "1", ... of `scope`. At any time the weights of `num_swapped` of them
  /// are in host memory alone: the others stay on the device, but for two (one, if no more are
  /// left) whose room the swapped ones take turns in. Those that stay are spread evenly, so that
  /// there is as much to compute between any two copies. Throws InvalidArgument unless
  /// `num_swapped` is at least 0 and leaves one block.
  WanBlocks(const WanConfig& config, const TensorScope& scope, std::int64_t num_swapped);

  std::size_t size() const { return layers_.size(); }

  /// Whether none is in host memory.
  bool all_on_device() const { return swapped_ == nullptr; }
  /// One of them. Throws Unsupported if it is in host memory.
  WanBlock& on_device(std::size_t layer);
  const WanBlock& on_device(std::size_t layer) const;

  /// Calls `use` with every block, in order.
  void for_each(const std::function<void(const WanBlock&, std::size_t layer)>& use) const;

 private:
  struct Layer {
    std::optional<WanBlock> block;  // nothing: swapped
    std::size_t swapped_index = 0;
  };
  std::vector<Layer> layers_;
  std::unique_ptr<SwappedBlocks> swapped_;
};

}  // namespace radial::video
