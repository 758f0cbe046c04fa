// A three-dimensional window of tiles around the query's tile, shifted at the borders so that it
// keeps its size: Sliding Tile Attention (arXiv 2502.04507), with frames as tiles in time.

#include <algorithm>
#include <cmath>

#include "mask/rules/registry.h"
#include "radial/base/error.h"

namespace radial {
namespace {

/// Tiles in the frame, both ways.
TileShape tile_counts(const VideoLayout& layout, std::int32_t block_size) {
  const TileShape tile = tile_shape(layout, block_size);
  return {(layout.grid_h - 1) / tile.h + 1, (layout.grid_w - 1) / tile.w + 1};
}

class SlidingTileRule : public MaskRule {
 public:
  SlidingTileRule(const VideoLayout& layout, const MaskOptions& options)
      : MaskRule(layout, options) {
    const TileShape counts = tile_counts(layout, options.block_size);
    check("window_frames", *options.window_frames, layout.frames);
    check("window_tiles_h", *options.window_tiles_h, counts.h);
    check("window_tiles_w", *options.window_tiles_w, counts.w);
  }

  FrameWindow window(std::int32_t query_frame, std::int32_t key_frame) const override {
    const std::int32_t begin = window_begin(query_frame, *options_.window_frames, layout_.frames);
    if (key_frame < begin || key_frame >= begin + *options_.window_frames) {
      return FrameWindow::nothing();
    }
    return FrameWindow::tiles(*options_.window_tiles_h, *options_.window_tiles_w);
  }

  std::int32_t next_distance(std::int32_t distance) const override {
    return distance < *options_.window_frames ? distance : kNoDistance;
  }

  DistanceInfo describe(std::int32_t distance) const override {
    const TileShape tile = tile_shape(layout_, options_.block_size);
    const std::int32_t reach =
        std::max(*options_.window_tiles_h * tile.h, *options_.window_tiles_w * tile.w) / 2;
    return {.distance = distance,
            .kept = distance <= *options_.window_frames / 2,
            .whole = false,
            .reach = static_cast<double>(reach)};
  }

 private:
  static void check(std::string_view name, std::int32_t value, std::int32_t most) {
    RADIAL_REQUIRE(value >= 1 && value <= most, name, ": expected 1 to ", most, ", got ", value);
  }
};

std::int32_t share_of(std::int32_t count, double share) {
  return std::clamp(static_cast<std::int32_t>(std::lround(share * count)), 1, count);
}

void set_share(const VideoLayout& layout, MaskOptions& options, double share) {
  const TileShape counts = tile_counts(layout, options.block_size);
  options.window_frames = share_of(layout.frames, share);
  options.window_tiles_h = share_of(counts.h, share);
  options.window_tiles_w = share_of(counts.w, share);
}

void set_defaults(const VideoLayout& layout, MaskOptions& options) {
  MaskOptions half = options;
  set_share(layout, half, 0.5);
  if (!options.window_frames) options.window_frames = half.window_frames;
  if (!options.window_tiles_h) options.window_tiles_h = half.window_tiles_h;
  if (!options.window_tiles_w) options.window_tiles_w = half.window_tiles_w;
}

}  // namespace

RuleEntry sliding_tile_rule() {
  return {{"sliding-tile",
           "1",
           "a 3-D window of tiles around the query's tile",
           {"window_frames", "window_tiles_h", "window_tiles_w"},
           "window_frames"},
          set_defaults,
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<SlidingTileRule>(layout, options);
          },
          set_share};
}

}  // namespace radial
