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
/// Estimates, not measurements, for 49 frames of 256 x 256 on a GPU: about 250 launches of
/// pointwise kernels for the background and 150 for each body, each of which passes 13 MB (a plane
/// of the clip) or less twice or three times through memory: 5 to 8 GB in all, 2 to 3 ms at 3 TB/s,
/// and at most 1 GB of temporaries.
///
/// Throws InvalidArgument if there is no scene, a scene has no body, or a size is out of range.
at::Tensor render(const std::vector<Scene>& scenes, const ClipSize& size, at::Device device);

}  // namespace radial::video
