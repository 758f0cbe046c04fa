#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "radial/mask/mask_options.h"
#include "radial/mask/radial_mask.h"
#include "radial/mask/video_layout.h"

namespace radial {

/// Which keys of one frame the queries of another see. k, l are raster indices of query and key in
/// their frames, (row, column) their places.
struct FrameWindow {
  enum class Kind : std::uint8_t {
    kNothing,
    kWhole,   ///< every key of the frame
    kBand,    ///< low <= l - k <= high
    kDisc,    ///< squared Euclidean distance of the places <= radius_squared
    kSquare,  ///< rows and columns each at most `radius` apart
    kTiles,  ///< window of window_h x window_w tiles around the query's tile, kept inside the frame
  };
  Kind kind = Kind::kNothing;
  std::int64_t low = 0, high = 0;
  std::int64_t radius_squared = 0;
  std::int32_t radius = 0;
  std::int32_t window_h = 0, window_w = 0;

  static FrameWindow nothing() { return {}; }
  static FrameWindow whole() { return {.kind = Kind::kWhole}; }
  static FrameWindow band(std::int64_t low, std::int64_t high) {
    return {.kind = Kind::kBand, .low = low, .high = high};
  }
  /// |k - l| <= width.
  static FrameWindow band(std::int64_t width) { return band(-width, width); }
  static FrameWindow disc(std::int64_t radius_squared) {
    return {.kind = Kind::kDisc, .radius_squared = radius_squared};
  }
  static FrameWindow square(std::int32_t radius) {
    return {.kind = Kind::kSquare, .radius = radius};
  }
  static FrameWindow tiles(std::int32_t window_h, std::int32_t window_w) {
    return {.kind = Kind::kTiles, .window_h = window_h, .window_w = window_w};
  }
};

/// Rows and columns of a tile, for rules that speak of tiles: those of the layout's order, else
/// tiles of one block (8 x 16 or 8 x 8 tokens).
struct TileShape {
  std::int32_t h, w;
};
TileShape tile_shape(const VideoLayout& layout, std::int32_t block_size);

/// First of `window` neighbouring places around `center` that stay inside [0, count).
constexpr std::int32_t window_begin(std::int32_t center, std::int32_t window, std::int32_t count) {
  const std::int32_t begin = center - window / 2;
  return begin < 0 ? 0 : begin > count - window ? count - window : begin;
}
static_assert(window_begin(0, 3, 5) == 0 && window_begin(2, 3, 5) == 1 &&
              window_begin(4, 3, 5) == 2);

/// How token pairs become blocks; the paper's reference code calls the second way shrinking.
enum class Expansion : std::uint8_t {
  kCover,           ///< a block is kept if it holds an allowed pair
  kReleasedShrink,  ///< the reference code's column-density test, frame pair by frame pair
  kBlocks,          ///< the rule speaks of blocks itself
};

/// A rule with its parameters, for one layout. To add one: a file in rules/ and a line in
/// rules/registry.cpp.
class MaskRule {
 public:
  MaskRule(const VideoLayout& layout, const MaskOptions& options)
      : layout_(layout), options_(options) {}
  virtual ~MaskRule() = default;
  MaskRule(const MaskRule&) = delete;
  MaskRule& operator=(const MaskRule&) = delete;

  virtual Expansion expansion() const { return Expansion::kCover; }

  /// What queries of frame `query_frame` see of frame `key_frame`, the sink left aside.
  virtual FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const = 0;

  /// Smallest distance >= `distance` at which `window` can be anything but nothing; kNoDistance if
  /// there is none. Lets plans skip frames that are thinned out.
  virtual std::int32_t next_distance(std::int32_t distance) const { return distance; }
  static constexpr std::int32_t kNoDistance = std::numeric_limits<std::int32_t>::max();

  /// Expansion::kBlocks only: is this block kept.
  virtual bool keeps_block(std::int64_t /*query_block*/, std::int64_t /*key_block*/) const {
    return true;
  }

  /// Frames that every query sees whole, from frame 0 on.
  std::int32_t sink_frames() const {
    return options_.sink.value_or(false) ? options_.sink_frames : 0;
  }

  virtual DistanceInfo describe(std::int32_t distance) const;

  const VideoLayout& layout() const { return layout_; }
  const MaskOptions& options() const { return options_; }

 protected:
  VideoLayout layout_;
  MaskOptions options_;
};

/// Whether `window` lets the query at raster index `k` see the key at raster index `l`.
bool admits(const FrameWindow& window, const MaskRule& rule, std::int64_t k, std::int64_t l);

}  // namespace radial
