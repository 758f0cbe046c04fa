#pragma once

#include <ATen/core/Tensor.h>

#include "radial/mask/video_layout.h"

namespace radial::video {

/// Where the tokens of a layout are: video tokens only. Both are undefined for raster order.
struct TokenPlaces {
  at::Tensor to_layout;  ///< [S] int64: the token in raster order of each place of the layout
  at::Tensor to_raster;  ///< the inverse

  TokenPlaces() = default;
  TokenPlaces(const VideoLayout& layout, at::Device device);
};

/// The tokens that `maybe_places` [S] names along `dimension`; all as they are without it.
at::Tensor reordered(const at::Tensor& tokens, const at::Tensor& maybe_places,
                     std::int64_t dimension);

}  // namespace radial::video
