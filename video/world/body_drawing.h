#pragma once

#include <ATen/core/Tensor.h>

#include "video/world/view.h"

namespace radial::video {

/// One body in n frames; each value [n, 1, 1, 1].
struct BodyPlaces {
  at::Tensor x, y, z;
  at::Tensor sine, cosine;  ///< of its yaw
};

/// The same number of pixels in each of n frames.
struct PixelPatch {
  at::Tensor left, top;  ///< [n, 1, 1, 1], whole numbers; moved so that the patch fits the picture
  std::int64_t width = 1, height = 1;
};

/// Darkens the ground in `canvas` [3, n, height, width] (linear light) where the body keeps the
/// light off: a soft shadow, the mean over a disc of lights, and the dark below it.
void draw_shadow(const Scene& scene, const Body& body, const BodyPlaces& places,
                 const Cameras& cameras, const PixelPatch& patch, const at::Tensor& canvas);

/// Draws the body over `canvas`, four rays a pixel.
void draw_body(const Scene& scene, const Body& body, const BodyPlaces& places,
               const Cameras& cameras, const PixelPatch& patch, const at::Tensor& canvas);

}  // namespace radial::video
