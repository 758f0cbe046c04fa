#include "video/nn/rotary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>

#include "radial/base/error.h"
#include "video/nn/token_order.h"

namespace radial::video {
namespace {

// Rotations of positions 0 .. count - 1 along one axis: [count, width / 2].
at::Tensor axis_table(std::int64_t count, std::int64_t width, double theta, at::Device device) {
  const at::Tensor index = at::arange(0, width, 2, at::kDouble);
  const at::Tensor frequency = at::pow(theta, index / width).reciprocal();
  const at::Tensor angle = at::outer(at::arange(count, at::kDouble), frequency);
  // Cosine and sine are rounded to float32 one by one, as the reference stores them.
  return at::complex(angle.cos().to(at::kFloat), angle.sin().to(at::kFloat)).to(device);
}

}  // namespace

RotaryAxes RotaryAxes::wan(std::int64_t head_dim) {
  RADIAL_REQUIRE(head_dim > 0 && head_dim % 2 == 0, "head dim: expected an even number, got ",
                 head_dim);
  const std::int64_t side = 2 * (head_dim / 6);
  return {.widths = {head_dim - 2 * side, side, side}};
}

at::Tensor rotary_table(const VideoLayout& layout, const RotaryAxes& axes, at::Device device) {
  const std::int64_t frames = layout.frames, rows = layout.grid_h, columns = layout.grid_w;
  const auto [frame_width, row_width, column_width] = axes.widths;
  const at::Tensor by_frame = axis_table(frames, frame_width, axes.theta, device)
                                  .view({frames, 1, 1, -1})
                                  .expand({frames, rows, columns, -1});
  const at::Tensor by_row = axis_table(rows, row_width, axes.theta, device)
                                .view({1, rows, 1, -1})
                                .expand({frames, rows, columns, -1});
  const at::Tensor by_column = axis_table(columns, column_width, axes.theta, device)
                                   .view({1, 1, columns, -1})
                                   .expand({frames, rows, columns, -1});
  const at::Tensor raster = at::cat({by_frame, by_row, by_column}, -1).flatten(0, 2);
  return reordered(raster, TokenPlaces(layout, device).to_layout, 0);
}

at::Tensor apply_rotary(const at::Tensor& input, const at::Tensor& table) {
  const at::Tensor pairs =
      at::view_as_complex(input.to(at::kFloat).unflatten(-1, {input.size(-1) / 2, 2}).contiguous());
  return at::view_as_real(pairs * table.unsqueeze(1)).flatten(-2).to(input.scalar_type());
}

}  // namespace radial::video
