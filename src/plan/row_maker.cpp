#include "plan/row_maker.h"

namespace radial {
namespace {

/// Rows of a rule that speaks of blocks itself.
class BlockRows : public RowMaker {
 public:
  using RowMaker::RowMaker;

 protected:
  void add_video(std::int32_t row, RowBits& bits) override {
    for (std::int32_t column = 0; column < num_blocks(); ++column) {
      if (rule().keeps_block(row, column)) bits.set(column);
    }
  }
};

}  // namespace

RowMaker::RowMaker(const RadialMask& mask)
    : rule_(mask.rule()), block_size_(mask.options().block_size) {
  const VideoLayout& layout = mask.layout();
  const auto blocks_below = [&](std::int64_t tokens) {
    return static_cast<std::int32_t>((tokens + block_size_ - 1) / block_size_);
  };
  num_blocks_ = blocks_below(layout.total_tokens());
  for (std::int32_t distance = rule_.next_distance(0); distance < layout.frames;
       distance = rule_.next_distance(distance + 1)) {
    distances_.push_back(distance);
  }
  reference_blocks_ = blocks_below(layout.reference_tokens);
  const bool has_tail = layout.text_tokens > 0 || rule_.expansion() == Expansion::kReleasedShrink;
  first_tail_block_ =
      has_tail ? static_cast<std::int32_t>(layout.text_begin() / block_size_) : num_blocks_;
}

void RowMaker::make(std::int32_t row, RowBits& bits) {
  bits.clear();
  if (row < reference_blocks_ || row >= first_tail_block_) {
    bits.set_all();
    return;
  }
  bits.set_range(0, reference_blocks_);
  bits.set_range(first_tail_block_, num_blocks_);
  add_video(row, bits);
}

std::unique_ptr<RowMaker> make_row_maker(const RadialMask& mask) {
  switch (mask.rule().expansion()) {
    case Expansion::kCover:
      return make_cover_rows(mask);
    case Expansion::kReleasedShrink:
      return make_released_rows(mask);
    case Expansion::kBlocks:
      break;
  }
  return std::make_unique<BlockRows>(mask);
}

}  // namespace radial
