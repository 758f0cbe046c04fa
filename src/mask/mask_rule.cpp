#include "mask/mask_rule.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace radial {
namespace {

/// Whether place `key` lies in the window of tiles around the tile of place `query`, along one axis
/// of `extent` places.
bool same_window(std::int32_t query, std::int32_t key, std::int32_t tile, std::int32_t window,
                 std::int32_t extent) {
  const std::int32_t begin = window_begin(query / tile, window, (extent + tile - 1) / tile);
  return key / tile >= begin && key / tile < begin + window;
}

}  // namespace

TileShape tile_shape(const VideoLayout& layout, std::int32_t block_size) {
  if (layout.order.kind == TokenOrder::Kind::kTiled) {
    return {layout.order.tile_h, layout.order.tile_w};
  }
  return {8, block_size / 8};
}

bool admits(const FrameWindow& window, const MaskRule& rule, std::int64_t k, std::int64_t l) {
  const VideoLayout& layout = rule.layout();
  const auto row = [&](std::int64_t index) {
    return static_cast<std::int32_t>(index / layout.grid_w);
  };
  const auto column = [&](std::int64_t index) {
    return static_cast<std::int32_t>(index % layout.grid_w);
  };
  const std::int64_t rows_apart = std::abs(row(k) - row(l));
  const std::int64_t columns_apart = std::abs(column(k) - column(l));
  switch (window.kind) {
    case FrameWindow::Kind::kNothing:
      return false;
    case FrameWindow::Kind::kWhole:
      return true;
    case FrameWindow::Kind::kBand:
      return l - k >= window.low && l - k <= window.high;
    case FrameWindow::Kind::kDisc:
      return rows_apart * rows_apart + columns_apart * columns_apart <= window.radius_squared;
    case FrameWindow::Kind::kSquare:
      return rows_apart <= window.radius && columns_apart <= window.radius;
    case FrameWindow::Kind::kTiles:
      break;
  }
  const TileShape tile = tile_shape(layout, rule.options().block_size);
  return same_window(row(k), row(l), tile.h, window.window_h, layout.grid_h) &&
         same_window(column(k), column(l), tile.w, window.window_w, layout.grid_w);
}

DistanceInfo MaskRule::describe(std::int32_t distance) const {
  const auto farthest = static_cast<double>(layout_.tokens_per_frame() - 1);
  const double diagonal = std::hypot(layout_.grid_h - 1, layout_.grid_w - 1);
  const FrameWindow seen = window(0, distance);
  DistanceInfo info{.distance = distance, .kept = seen.kind != FrameWindow::Kind::kNothing};
  switch (seen.kind) {
    case FrameWindow::Kind::kWhole:
      info.whole = true;
      break;
    case FrameWindow::Kind::kBand:
      info.reach = static_cast<double>(seen.high);
      info.whole = info.reach >= farthest;
      break;
    case FrameWindow::Kind::kDisc:
      info.reach = std::sqrt(static_cast<double>(seen.radius_squared));
      info.whole = info.reach >= diagonal;
      break;
    case FrameWindow::Kind::kSquare:
      info.reach = seen.radius;
      info.whole = seen.radius >= std::max(layout_.grid_h, layout_.grid_w) - 1;
      break;
    default:
      break;
  }
  return info;
}

}  // namespace radial
