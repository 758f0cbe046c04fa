#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "radial/mask/video_layout.h"

namespace radial::video {

/// How the channels of a head are shared out to frame, row and column; all even.
struct RotaryAxes {
  std::array<std::int64_t, 3> widths = {0, 0, 0};
  double theta = 10000.0;

  /// Wan's split: rows and columns get 2 * floor(D / 6) each, frames the rest.
  static RotaryAxes wan(std::int64_t head_dim);
};

/// The rotation of every token of `layout`'s video, in its token order: complex64 [S, D / 2].
/// Angles are float64, only the result is rounded.
at::Tensor rotary_table(const VideoLayout& layout, const RotaryAxes& axes, at::Device device);

/// Rotates the channel pairs (2i, 2i + 1) of `input` [B, S, H, D] by `table`; float32 inside, the
/// input's dtype outside.
at::Tensor apply_rotary(const at::Tensor& input, const at::Tensor& table);

}  // namespace radial::video
