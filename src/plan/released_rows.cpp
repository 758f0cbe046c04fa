// The reference code's way from token windows to blocks (mit-han-lab/radial-attention,
// radial_attn/attn_mask.py, shrinkMaskStrict), in closed form.
//
// Each frame pair is laid on a canvas that starts at the blocks of the two frames' first tokens; of
// it the first ceil(s / B) blocks each way are looked at. A block is kept if of the key columns in
// which the window has any query row, more than 0.6 have more than B / 3 rows. Rows of a column
// grow one by one from the window's edge, so both kinds of column are intervals.

#include <algorithm>

#include "plan/row_maker.h"

namespace radial {
namespace {

/// Places [begin, end) of a frame.
struct Interval {
  std::int64_t begin, end;
  std::int64_t size() const { return std::max<std::int64_t>(0, end - begin); }
};

constexpr Interval intersection(Interval a, Interval b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

class ReleasedRows : public RowMaker {
 public:
  explicit ReleasedRows(const RadialMask& mask)
      : RowMaker(mask),
        tokens_(layout().tokens_per_frame()),
        canvas_blocks_((tokens_ + block_size() - 1) / block_size()),
        dense_rows_(block_size() / 3 + 1) {}

 protected:
  void add_video(std::int32_t row, RowBits& bits) override {
    const std::int64_t last_token = (std::int64_t{row} + 1) * block_size() - 1;
    const std::int64_t last = std::min<std::int64_t>(
        layout().frames - 1, (last_token - layout().video_begin()) / tokens_);
    for (auto frame = static_cast<std::int32_t>(last);
         frame >= 0 && row - first_block(frame) < canvas_blocks_; --frame) {
      add_frame(frame, row - first_block(frame), bits);
    }
  }

 private:
  std::int64_t first_token(std::int32_t frame) const {
    return layout().video_begin() + frame * tokens_;
  }
  std::int64_t first_block(std::int32_t frame) const { return first_token(frame) / block_size(); }
  std::int64_t offset(std::int32_t frame) const { return first_token(frame) % block_size(); }

  /// Tokens of `frame` that lie in block `canvas_block` of its canvas.
  Interval tokens_of(std::int32_t frame, std::int64_t canvas_block) const {
    const std::int64_t begin = canvas_block * block_size() - offset(frame);
    return intersection({begin, begin + block_size()}, {0, tokens_});
  }

  void add_frame(std::int32_t frame, std::int64_t canvas_row, RowBits& bits) const {
    const Interval queries = tokens_of(frame, canvas_row);
    if (queries.size() < dense_rows_) return;  // no column can have enough rows
    for (std::int32_t key_frame = 0; key_frame < rule().sink_frames(); ++key_frame) {
      add_pair(queries, key_frame, FrameWindow::whole(), bits);
    }
    for_each_key_frame(frame, [&](std::int32_t key_frame) {
      add_pair(queries, key_frame, rule().window(frame, key_frame), bits);
    });
  }

  void add_pair(Interval queries, std::int32_t key_frame, const FrameWindow& window,
                RowBits& bits) const {
    if (window.kind == FrameWindow::Kind::kNothing) return;
    const std::int64_t width = window.kind == FrameWindow::Kind::kWhole ? tokens_ : window.high;
    if (2 * width + 1 < dense_rows_) return;
    const Interval frame{0, tokens_};
    const Interval touched = intersection({queries.begin - width, queries.end + width}, frame);
    const std::int64_t inset = width - (dense_rows_ - 1);
    const Interval dense = intersection({queries.begin - inset, queries.end + inset}, frame);
    if (touched.size() == 0) return;
    std::int64_t first = (touched.begin + offset(key_frame)) / block_size();
    std::int64_t last =
        std::min(canvas_blocks_ - 1, (touched.end - 1 + offset(key_frame)) / block_size());
    const auto keeps = [&](std::int64_t block) {
      const Interval columns = tokens_of(key_frame, block);
      return 5 * intersection(columns, dense).size() > 3 * intersection(columns, touched).size();
    };
    // Only blocks near the window's edges can fail.
    while (first <= last && !keeps(first)) ++first;
    while (first <= last && !keeps(last)) --last;
    bits.set_range(first_block(key_frame) + first, first_block(key_frame) + last + 1);
  }

  std::int64_t tokens_;
  std::int64_t canvas_blocks_;
  std::int64_t dense_rows_;
};

}  // namespace

std::unique_ptr<RowMaker> make_released_rows(const RadialMask& mask) {
  return std::make_unique<ReleasedRows>(mask);
}

}  // namespace radial
