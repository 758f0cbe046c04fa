#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "video/world/render.h"

namespace radial::video {

/// A vector at every pixel.
struct Vectors {
  at::Tensor x, y, z;
};

/// Pixels [left, left + width) x [top, top + height).
struct PixelBox {
  std::int64_t left = 0, top = 0, width = 1, height = 1;
};

/// Body `index` of a scene in one frame.
struct BodyView {
  BodyPose pose;
  PixelBox box;     ///< holds the body, cut to the picture
  PixelBox shadow;  ///< holds its shadow on the ground, cut likewise
};

/// What the host knows of a frame.
struct FrameView {
  CameraPose camera;
  std::vector<BodyView> bodies;
  std::vector<std::size_t> order;  ///< of the bodies, the farthest first
  double horizon;                  ///< row of the horizon, in pixels from the top
};

std::vector<FrameView> view_frames(const Scene& scene, const ClipSize& size);

/// The camera of n frames, each value [n, 1, 1, 1].
struct Cameras {
  at::Tensor sine, cosine;  ///< of its yaw
  at::Tensor focal;
  double unit = 1;  ///< pixels in half of the picture's shorter side
  double width = 1, height = 1;
};

/// The directions, not of unit length, in which pixels are seen. `rows` and `columns` are in pixels
/// from the upper left corner and broadcast against each other and [n, 1, 1, 1]; y depends on the
/// rows alone.
Vectors rays(const Cameras& cameras, const at::Tensor& rows, const at::Tensor& columns);

/// Sum of products; each operation is rounded for itself.
inline at::Tensor dot(const Vectors& a, const Vectors& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

}  // namespace radial::video
