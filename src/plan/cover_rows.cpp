// Rows of a block pattern by the cover rule: a block is kept if it holds an allowed pair.
//
// A query block cuts each frame it touches in one segment. What a segment sees of a key frame is a
// union of intervals of raster indices, found in closed form from the segment and the rule's
// window; each interval is then marked in the frame's token order.

#include <algorithm>
#include <cmath>

#include "plan/row_maker.h"

namespace radial {
namespace {

/// Neighbouring places [begin, end) of one frame, raster indices. Spans of a segment lie in one
/// row.
struct Span {
  std::int64_t begin, end;
};

/// Largest integer whose square is at most `square`.
std::int64_t integer_root(std::int64_t square) {
  auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(square)));
  while (root * root > square) --root;
  while ((root + 1) * (root + 1) <= square) ++root;
  return root;
}

class CoverRows : public RowMaker {
 public:
  explicit CoverRows(const RadialMask& mask)
      : RowMaker(mask),
        tokens_(layout().tokens_per_frame()),
        width_(layout().grid_w),
        is_raster_(layout().order.kind == TokenOrder::Kind::kRaster) {
    if (!is_raster_) permutation_ = layout().frame_permutation();
  }

 protected:
  void add_video(std::int32_t row, RowBits& bits) override {
    const std::int64_t begin =
        std::max<std::int64_t>(0, row * block_size() - layout().video_begin());
    const std::int64_t end =
        std::min(layout().video_tokens(), (row + 1) * block_size() - layout().video_begin());
    for (std::int64_t frame = begin / tokens_; frame <= (end - 1) / tokens_; ++frame) {
      if (tokens_ < block_size() && bits.all_set()) return;  // many frames fall into one block
      const std::int64_t first = frame * tokens_;
      make_segment(std::max(begin - first, std::int64_t{0}), std::min(end - first, tokens_));
      add_segment(static_cast<std::int32_t>(frame), bits);
    }
  }

 private:
  void add_segment(std::int32_t frame, RowBits& bits) {
    mark_tokens(0, rule().sink_frames() * tokens_, bits);
    for_each_key_frame(frame,
                       [&](std::int32_t key_frame) { add_key_frame(frame, key_frame, bits); });
  }

  void add_key_frame(std::int32_t frame, std::int32_t key_frame, RowBits& bits) {
    const FrameWindow window = rule().window(frame, key_frame);
    switch (window.kind) {
      case FrameWindow::Kind::kNothing:
        return;
      case FrameWindow::Kind::kWhole:
        mark_tokens(key_frame * tokens_, (key_frame + 1) * tokens_, bits);
        return;
      case FrameWindow::Kind::kBand:
        add_band(window, key_frame, bits);
        return;
      case FrameWindow::Kind::kDisc: {
        const std::int64_t reach = integer_root(window.radius_squared);
        add_round(key_frame, reach, bits, [&](std::int64_t rows_apart) {
          return integer_root(window.radius_squared - rows_apart * rows_apart);
        });
        return;
      }
      case FrameWindow::Kind::kSquare:
        add_round(key_frame, window.radius, bits,
                  [&](std::int64_t) { return std::int64_t{window.radius}; });
        return;
      case FrameWindow::Kind::kTiles:
        add_tiles(window, key_frame, bits);
        return;
    }
  }

  /// The segment at places [begin, end) of a frame: its spans, one or more per row it touches.
  void make_segment(std::int64_t begin, std::int64_t end) {
    segment_.clear();
    if (is_raster_) {
      for (std::int64_t at = begin; at < end;) {
        const std::int64_t row_end = std::min(end, (at / width_ + 1) * width_);
        segment_.push_back({at, row_end});
        at = row_end;
      }
      return;
    }
    places_.assign(permutation_.begin() + begin, permutation_.begin() + end);
    std::ranges::sort(places_);
    for (const std::int64_t place : places_) {
      const bool continues = !segment_.empty() && segment_.back().end == place && place % width_;
      if (continues) {
        ++segment_.back().end;
      } else {
        segment_.push_back({place, place + 1});
      }
    }
  }

  /// Keys l with low <= l - k <= high for a k of the segment.
  void add_band(const FrameWindow& window, std::int32_t key_frame, RowBits& bits) {
    if (is_raster_) {  // the spans follow each other, so the union is one interval
      mark(key_frame,
           {std::max<std::int64_t>(0, segment_.front().begin + window.low),
            std::min(tokens_, segment_.back().end + window.high)},
           bits);
      return;
    }
    Span seen{0, 0};
    for (const Span& span : segment_) {
      const Span next{std::max<std::int64_t>(0, span.begin + window.low),
                      std::min(tokens_, span.end + window.high)};
      if (next.begin >= next.end) continue;
      if (next.begin > seen.end) {
        mark(key_frame, seen, bits);
        seen = next;
      } else {
        seen.end = std::max(seen.end, next.end);
      }
    }
    mark(key_frame, seen, bits);
  }

  /// Keys at most `reach` rows from a span of the segment and, that many rows away, at most
  /// `columns(rows)` columns.
  template <typename Columns>
  void add_round(std::int32_t key_frame, std::int64_t reach, RowBits& bits, Columns&& columns) {
    for (const Span& span : segment_) {
      const std::int64_t row = span.begin / width_;
      const std::int64_t left = span.begin % width_, right = left + span.end - span.begin;
      const std::int64_t top = std::max<std::int64_t>(0, row - reach);
      const std::int64_t bottom = std::min<std::int64_t>(layout().grid_h - 1, row + reach);
      for (std::int64_t key_row = top; key_row <= bottom; ++key_row) {
        const std::int64_t apart = columns(std::abs(key_row - row));
        mark(key_frame,
             {key_row * width_ + std::max<std::int64_t>(0, left - apart),
              key_row * width_ + std::min(width_, right + apart)},
             bits);
      }
    }
  }

  void add_tiles(const FrameWindow& window, std::int32_t key_frame, RowBits& bits) {
    const TileShape tile = tile_shape(layout(), static_cast<std::int32_t>(block_size()));
    const std::int32_t tile_rows = (layout().grid_h - 1) / tile.h + 1;
    const std::int32_t tile_columns = (layout().grid_w - 1) / tile.w + 1;
    for (const Span& span : segment_) {
      const auto tile_row = static_cast<std::int32_t>(span.begin / width_ / tile.h);
      const auto first = static_cast<std::int32_t>(span.begin % width_ / tile.w);
      const auto last = static_cast<std::int32_t>((span.end - 1) % width_ / tile.w);
      const std::int64_t top = std::int64_t{window_begin(tile_row, window.window_h, tile_rows)};
      const std::int64_t bottom =
          std::min<std::int64_t>(layout().grid_h, (top + window.window_h) * tile.h);
      const std::int64_t left = std::int64_t{window_begin(first, window.window_w, tile_columns)};
      const std::int64_t last_left = window_begin(last, window.window_w, tile_columns);
      const std::int64_t right = std::min(width_, (last_left + window.window_w) * tile.w);
      for (std::int64_t row = top * tile.h; row < bottom; ++row) {
        mark(key_frame, {row * width_ + left * tile.w, row * width_ + right}, bits);
      }
    }
  }

  /// Marks the blocks that hold raster places `seen` of `key_frame`.
  void mark(std::int32_t key_frame, Span seen, RowBits& bits) {
    const std::int64_t frame_begin = key_frame * tokens_;
    if (is_raster_ || (seen.begin == 0 && seen.end == tokens_)) {
      mark_tokens(frame_begin + seen.begin, frame_begin + seen.end, bits);
      return;
    }
    while (seen.begin < seen.end) {
      const std::int64_t row = seen.begin / width_;
      const std::int64_t row_end = std::min(seen.end, (row + 1) * width_);
      mark_row_in_tiles(frame_begin, row, seen.begin % width_, row_end - row * width_, bits);
      seen.begin = row_end;
    }
  }

  /// Columns [left, right) of one row, tile by tile: a row of a tile is contiguous in tiled order.
  void mark_row_in_tiles(std::int64_t frame_begin, std::int64_t row, std::int64_t left,
                         std::int64_t right, RowBits& bits) {
    const std::int64_t tile_h = std::min(layout().order.tile_h, layout().grid_h);
    const std::int64_t tile_w = std::min(layout().order.tile_w, layout().grid_w);
    const std::int64_t top = row / tile_h * tile_h;
    const std::int64_t rows = std::min(tile_h, layout().grid_h - top);
    for (std::int64_t tile_left = left / tile_w * tile_w; tile_left < right; tile_left += tile_w) {
      const std::int64_t columns = std::min(tile_w, width_ - tile_left);
      const std::int64_t row_begin =
          frame_begin + top * width_ + rows * tile_left + (row - top) * columns;
      mark_tokens(row_begin + std::max(left, tile_left) - tile_left,
                  row_begin + std::min(right, tile_left + columns) - tile_left, bits);
    }
  }

  /// Marks the blocks that hold tokens [begin, end) of the video.
  void mark_tokens(std::int64_t begin, std::int64_t end, RowBits& bits) const {
    if (begin >= end) return;
    bits.set_range((layout().video_begin() + begin) / block_size(),
                   (layout().video_begin() + end - 1) / block_size() + 1);
  }

  std::int64_t tokens_;
  std::int64_t width_;
  bool is_raster_;
  std::vector<std::int32_t> permutation_;
  std::vector<std::int32_t> places_;
  std::vector<Span> segment_;
};

}  // namespace

std::unique_ptr<RowMaker> make_cover_rows(const RadialMask& mask) {
  return std::make_unique<CoverRows>(mask);
}

}  // namespace radial
