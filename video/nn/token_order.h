#pragma once

#include <ATen/core/Tensor.h>

#include "radial/mask/video_layout.h"

namespace radial::video {

/// Tokens in raster order along `dimension` put into the layout's order; video tokens only.
at::Tensor to_layout_order(const at::Tensor& raster, const VideoLayout& layout,
                           std::int64_t dimension);

/// The inverse of `to_layout_order`.
at::Tensor to_raster_order(const at::Tensor& ordered, const VideoLayout& layout,
                           std::int64_t dimension);

}  // namespace radial::video
