#include "video/vae/tiled_pass.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <vector>

namespace radial::video {
namespace {

// `tile` with its first cells along `dimension` faded in over the last ones of `before`.
at::Tensor faded(const at::Tensor& before, const at::Tensor& tile, std::int64_t overlap,
                 std::int64_t dimension) {
  const std::int64_t extent = std::min({overlap, before.size(dimension), tile.size(dimension)});
  if (extent <= 0) return tile;
  std::vector<std::int64_t> shape(tile.dim(), 1);
  shape[dimension] = extent;
  const at::Tensor weight = (at::arange(extent, tile.options()) / extent).view(shape);
  const at::Tensor old = before.narrow(dimension, before.size(dimension) - extent, extent);
  const at::Tensor blend = old * (1 - weight) + tile.narrow(dimension, 0, extent) * weight;
  return at::cat({blend, tile.narrow(dimension, extent, tile.size(dimension) - extent)}, dimension);
}

at::Tensor at_most(const at::Tensor& tile, std::int64_t dimension, std::int64_t extent) {
  return tile.narrow(dimension, 0, std::min(extent, tile.size(dimension)));
}

}  // namespace

at::Tensor tiled_pass(const at::Tensor& input, const TileSizes& input_tiles,
                      const TileSizes& output_tiles,
                      const std::function<at::Tensor(const at::Tensor&)>& body) {
  constexpr std::int64_t kRow = 3, kColumn = 4;
  const std::int64_t height = input.size(kRow), width = input.size(kColumn);
  const std::int64_t overlap_height = output_tiles.height - output_tiles.stride_height;
  const std::int64_t overlap_width = output_tiles.width - output_tiles.stride_width;
  std::vector<at::Tensor> above, rows;
  for (std::int64_t y = 0; y < height; y += input_tiles.stride_height) {
    const std::int64_t tile_height = std::min(input_tiles.height, height - y);
    std::vector<at::Tensor> tiles, kept;
    for (std::int64_t x = 0; x < width; x += input_tiles.stride_width) {
      const std::int64_t tile_width = std::min(input_tiles.width, width - x);
      at::Tensor tile = body(input.narrow(kRow, y, tile_height).narrow(kColumn, x, tile_width));
      if (!above.empty()) tile = faded(above[tiles.size()], tile, overlap_height, kRow);
      if (!tiles.empty()) tile = faded(tiles.back(), tile, overlap_width, kColumn);
      tiles.push_back(tile);
      kept.push_back(at_most(at_most(tile, kRow, output_tiles.stride_height), kColumn,
                             output_tiles.stride_width));
    }
    rows.push_back(at::cat(kept, kColumn));
    above = std::move(tiles);
  }
  return at::cat(rows, kRow);
}

}  // namespace radial::video
