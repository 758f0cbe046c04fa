#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "video/checkpoint/tensor_source.h"
#include "video/models/wan/wan_block.h"

namespace radial::video {

/// Blocks of one size whose weights lie in host memory, page-locked for an accelerator, and take
/// turns in a few places on the device. They are used in a fixed cyclic order; while one computes,
/// the next ones are copied ahead on a stream of their own. Any other order is correct, too, and
/// waits for its copies.
///
/// The weights are the same bits at places aligned as torch aligns tensors, so that a block
/// computes what it would compute if it stayed on the device. One thread at a time.
class SwappedBlocks {
 public:
  /// `places` on the device, at least one, where the weights of `source` are.
  SwappedBlocks(const WanConfig& config, std::size_t places);
  ~SwappedBlocks();
  SwappedBlocks(const SwappedBlocks&) = delete;
  SwappedBlocks& operator=(const SwappedBlocks&) = delete;

  /// Takes the weights of the next block of the order out of `scope`.
  void add(const TensorScope& scope);
  std::size_t size() const { return blocks_.size(); }

  /// Block number `index` of the order, on the device once what the current stream was given before
  /// is done. It stays until `release`.
  const WanBlock& acquire(std::size_t index);
  /// What the current stream was given up to now was the last to use the block: its place is free
  /// for the next one.
  void release(std::size_t index);

 private:
  struct Weight {
    std::string name;
    std::vector<std::int64_t> shape;
    at::ScalarType dtype;
    std::int64_t begin, bytes;  // of a place
  };
  // The bytes of one block, in pieces.
  using HostBlock = std::vector<at::Tensor>;
  struct Place {
    at::Tensor bytes;
    std::optional<WanBlock> block;  // views of `bytes`
    std::size_t index = 0;          // which block's weights they are
    std::optional<c10::Event> copied, used;
  };

  void lay_out(const std::vector<std::pair<std::string, at::Tensor>>& weights);
  void make_place();
  void copy_to(Place& place, std::size_t index);
  Place* holding(std::size_t index);
  c10::Stream current_stream() const;
  bool has_streams() const { return !device_.is_cpu(); }

  WanConfig config_;
  std::size_t num_places_;
  at::Device device_ = at::kCPU;
  std::vector<Weight> layout_;
  std::int64_t block_bytes_ = 0;
  std::vector<HostBlock> blocks_;
  std::vector<Place> places_;  // made when they are first needed
  std::optional<c10::Stream> copies_;
};

}  // namespace radial::video
