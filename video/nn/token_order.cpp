#include "video/nn/token_order.h"

#include <ATen/ops/tensor.h>

#include <vector>

namespace radial::video {
namespace {

at::Tensor reordered(const at::Tensor& tokens, const std::vector<std::int64_t>& sources,
                     std::int64_t dimension) {
  const at::Tensor index = at::tensor(sources, at::kLong).to(tokens.device());
  return tokens.index_select(dimension, index);
}

}  // namespace

at::Tensor to_layout_order(const at::Tensor& raster, const VideoLayout& layout,
                           std::int64_t dimension) {
  if (layout.order == TokenOrder::raster()) return raster;
  return reordered(raster, layout.permutation(), dimension);
}

at::Tensor to_raster_order(const at::Tensor& ordered, const VideoLayout& layout,
                           std::int64_t dimension) {
  if (layout.order == TokenOrder::raster()) return ordered;
  return reordered(ordered, layout.inverse_permutation(), dimension);
}

}  // namespace radial::video
