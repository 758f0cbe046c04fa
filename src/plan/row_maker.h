#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mask/mask_rule.h"
#include "plan/row_bits.h"

namespace radial {

/// Makes the rows of a mask's block pattern one by one, in closed form. Knows the global tokens:
/// their blocks see everything and are seen by everything.
class RowMaker {
 public:
  explicit RowMaker(const RadialMask& mask);
  virtual ~RowMaker() = default;
  RowMaker(const RowMaker&) = delete;
  RowMaker& operator=(const RowMaker&) = delete;

  std::int32_t num_blocks() const { return num_blocks_; }

  /// The key blocks that query block `row` keeps.
  void make(std::int32_t row, RowBits& bits);

 protected:
  /// Adds the blocks that the video tokens of a row without global tokens keep.
  virtual void add_video(std::int32_t row, RowBits& bits) = 0;

  const MaskRule& rule() const { return rule_; }
  const VideoLayout& layout() const { return rule_.layout(); }
  std::int64_t block_size() const { return block_size_; }

  /// Calls `body(key_frame)` for each frame outside the sink that queries of `frame` may see
  /// anything of.
  template <typename Body>
  void for_each_key_frame(std::int32_t frame, Body&& body) const {
    const std::int32_t sink = rule_.sink_frames(), frames = layout().frames;
    for (const std::int32_t distance : distances_) {
      if (frame - distance < sink && frame + distance >= frames) break;
      if (frame - distance >= sink) body(frame - distance);
      if (distance > 0 && frame + distance >= sink && frame + distance < frames) {
        body(frame + distance);
      }
    }
  }

 private:
  const MaskRule& rule_;
  std::int64_t block_size_;
  std::int32_t num_blocks_;
  std::int32_t reference_blocks_;  // blocks that hold reference tokens: [0, reference_blocks_)
  std::vector<std::int32_t> distances_;  // at which the rule's window can be more than nothing
  std::int32_t first_tail_block_;  // blocks that hold text tokens, for the released rules also a
                                   // ragged last block: [first_tail_block_, num_blocks_)
};

/// The maker that the mask's rule asks for.
std::unique_ptr<RowMaker> make_row_maker(const RadialMask& mask);

std::unique_ptr<RowMaker> make_cover_rows(const RadialMask& mask);
std::unique_ptr<RowMaker> make_released_rows(const RadialMask& mask);

}  // namespace radial
