#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "video/world/scene.h"

namespace radial::video {

struct ClipSize {
  std::int64_t width = 256, height = 256;  ///< pixels, 16 or more
  std::int64_t num_frames = 49;
  double fps = 16;
};

/// Draws one clip of each scene: [B, 3, F, height, width], float32 in [-1, 1], on `device`.
///
/// A frame depends on its scene, its time and the picture's size alone, so that a longer clip
/// begins with the frames of a shorter one, bit for bit. On the CPU the result is the same on every
/// run and with any number of threads: the pixels are made of sums, products, quotients, roots,
/// comparisons and table lookups, each rounded once, never of reductions or elementary functions.
///
/// Cost on a GPU, estimated from the number of operations and the boxes of 400 scenes, not
/// measured, for 49 frames of 256 x 256: up to 4 GB through memory for the background (a 49th of it
/// if the camera stands still) and 15 GB for bodies and their shadows, so 5 to 7 ms a clip at 3
/// TB/s; 70 GB for the worst of these scenes. A few hundred kernels for each background and body, a
/// handful of small copies from the host for each body, none back.
///
/// Throws InvalidArgument if there is no scene, a scene has no body, or a size is out of range.
at::Tensor render(const std::vector<Scene>& scenes, const ClipSize& size, at::Device device);

}  // namespace radial::video
