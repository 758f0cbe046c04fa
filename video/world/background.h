#pragma once

#include <ATen/core/Tensor.h>

#include "video/world/view.h"

namespace radial::video {

/// The table of random values in [-1, 1) that textures are read from: [64 * 64], float32.
at::Tensor make_noise_table(at::Device device);

/// Draws sky, hills and ground, in linear light, into `canvas` [3, n, height, width].
/// `horizon` [n, 1, 1, 1] is the horizon's row; `first_ground` and `last_sky` are the first row any
/// frame shows ground in and the last row any frame shows sky in.
struct Background {
  const Scene& scene;
  const Cameras& cameras;
  const at::Tensor& noise;
  at::Tensor horizon;
  std::int64_t first_ground, last_sky;

  void draw(const at::Tensor& canvas) const;
};

}  // namespace radial::video
