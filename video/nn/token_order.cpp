#include "video/nn/token_order.h"

#include <ATen/ops/tensor.h>

namespace radial::video {

TokenPlaces::TokenPlaces(const VideoLayout& layout, at::Device device) {
  if (layout.order == TokenOrder::raster()) return;
  to_layout = at::tensor(layout.permutation(), at::kLong).to(device);
  to_raster = at::tensor(layout.inverse_permutation(), at::kLong).to(device);
}

at::Tensor reordered(const at::Tensor& tokens, const at::Tensor& maybe_places,
                     std::int64_t dimension) {
  return maybe_places.defined() ? tokens.index_select(dimension, maybe_places) : tokens;
}

}  // namespace radial::video
