#include "radial/mask/video_layout.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "radial/base/error.h"

namespace radial {
namespace {

constexpr std::int64_t kMaxTokens = std::numeric_limits<std::int32_t>::max();

void check_count(std::string_view name, std::int64_t value, std::int64_t least) {
  RADIAL_REQUIRE(value >= least, name, ": expected at least ", least, ", got ", value);
}

}  // namespace

void VideoLayout::check() const {
  check_count("frames", frames, 1);
  check_count("grid_h", grid_h, 1);
  check_count("grid_w", grid_w, 1);
  check_count("reference_tokens", reference_tokens, 0);
  check_count("text_tokens", text_tokens, 0);
  if (order.kind == TokenOrder::Kind::kTiled) {
    RADIAL_REQUIRE(order.tile_h >= 1 && order.tile_w >= 1,
                   "order: expected tiles of at least 1 x 1 tokens, got ", order.tile_h, " x ",
                   order.tile_w);
  }
  RADIAL_REQUIRE(tokens_per_frame() <= kMaxTokens && frames <= kMaxTokens / tokens_per_frame() &&
                     total_tokens() <= kMaxTokens,
                 "layout: expected at most 2^31 - 1 tokens, got ", frames, " x ", grid_h, " x ",
                 grid_w, " and ", std::int64_t{reference_tokens} + text_tokens, " global tokens");
}

std::vector<std::int32_t> VideoLayout::frame_permutation() const {
  std::vector<std::int32_t> raster(static_cast<std::size_t>(tokens_per_frame()));
  if (order.kind == TokenOrder::Kind::kRaster) {
    std::iota(raster.begin(), raster.end(), 0);
    return raster;
  }
  std::size_t place = 0;
  for (std::int32_t top = 0; top < grid_h; top += std::min(order.tile_h, grid_h - top)) {
    for (std::int32_t left = 0; left < grid_w; left += std::min(order.tile_w, grid_w - left)) {
      const std::int32_t bottom = top + std::min(order.tile_h, grid_h - top);
      const std::int32_t right = left + std::min(order.tile_w, grid_w - left);
      for (std::int32_t row = top; row < bottom; ++row) {
        for (std::int32_t column = left; column < right; ++column) {
          raster[place++] = row * grid_w + column;
        }
      }
    }
  }
  return raster;
}

std::vector<std::int64_t> VideoLayout::permutation() const {
  const std::vector<std::int32_t> in_frame = frame_permutation();
  std::vector<std::int64_t> raster(static_cast<std::size_t>(total_tokens()));
  std::iota(raster.begin(), raster.end(), std::int64_t{0});
  auto place = raster.begin() + video_begin();
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const std::int64_t begin = video_begin() + frame * tokens_per_frame();
    place = std::transform(in_frame.begin(), in_frame.end(), place,
                           [begin](std::int32_t index) { return begin + index; });
  }
  return raster;
}

std::vector<std::int64_t> VideoLayout::inverse_permutation() const {
  const std::vector<std::int64_t> forward = permutation();
  std::vector<std::int64_t> inverse(forward.size());
  for (std::size_t place = 0; place < forward.size(); ++place) {
    inverse[static_cast<std::size_t>(forward[place])] = static_cast<std::int64_t>(place);
  }
  return inverse;
}

TokenPosition VideoLayout::position_of(std::int64_t token) const {
  RADIAL_REQUIRE(token >= 0 && token < total_tokens(), "token: expected 0 to ", total_tokens() - 1,
                 ", got ", token);
  if (token < video_begin() || token >= text_begin()) return {.is_video = false};
  const std::int64_t in_video = token - video_begin();
  const auto frame = static_cast<std::int32_t>(in_video / tokens_per_frame());
  const auto place = static_cast<std::int32_t>(in_video % tokens_per_frame());
  if (order.kind == TokenOrder::Kind::kRaster) {
    return {true, frame, place / grid_w, place % grid_w};
  }
  // Tiles of one tile row fill tile_rows full rows of the frame, so both divisions are exact.
  const std::int32_t tile_h = std::min(order.tile_h, grid_h);
  const std::int32_t tile_w = std::min(order.tile_w, grid_w);
  const std::int32_t top = place / (tile_h * grid_w) * tile_h;
  const std::int32_t tile_rows = std::min(tile_h, grid_h - top);
  const std::int32_t in_tile_row = place - top * grid_w;
  const std::int32_t left = in_tile_row / (tile_rows * tile_w) * tile_w;
  const std::int32_t tile_columns = std::min(tile_w, grid_w - left);
  const std::int32_t in_tile = in_tile_row - left * tile_rows;
  return {true, frame, top + in_tile / tile_columns, left + in_tile % tile_columns};
}

std::string VideoLayout::to_string() const {
  std::string text = concat(frames, " x ", grid_h, " x ", grid_w, " tokens, ");
  text += order.kind == TokenOrder::Kind::kRaster
              ? std::string("raster")
              : concat("tiled ", order.tile_h, " x ", order.tile_w);
  if (reference_tokens > 0) text += concat(", ", reference_tokens, " reference tokens before");
  if (text_tokens > 0) text += concat(", ", text_tokens, " text tokens after");
  return text;
}

}  // namespace radial
