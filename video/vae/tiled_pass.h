#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace radial::video {

/// Sizes of the tiles of one axis pair, in cells of the input or of the output.
struct TileSizes {
  std::int64_t height, width;                ///< of a tile
  std::int64_t stride_height, stride_width;  ///< from a tile to the next
};

/// Passes `input` [B, C, F, H, W] through `body` in overlapping tiles and blends them: each tile's
/// upper and left edge fades from its neighbour's into its own over the overlap.
at::Tensor tiled_pass(const at::Tensor& input, const TileSizes& input_tiles,
                      const TileSizes& output_tiles,
                      const std::function<at::Tensor(const at::Tensor&)>& body);

}  // namespace radial::video
