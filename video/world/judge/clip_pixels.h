#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace radial::video {

/// What the judge looks at: a clip's frames as numbers, made small enough to be looked at quickly.
struct ClipPixels {
  int num_frames = 0, height = 0, width = 0;
  double fps = 0;
  std::vector<float> values;  ///< [frame][channel][row][column], screen values in [0, 1]

  const float* plane(int frame, int channel) const {
    return values.data() +
           (static_cast<std::size_t>(frame) * 3 + static_cast<std::size_t>(channel)) * num_pixels();
  }
  std::size_t num_pixels() const { return static_cast<std::size_t>(height) * width; }
  double seconds(int frame) const { return frame / fps; }
  /// Pixels in half of the shorter side, the unit of CameraPose::focal.
  double unit() const { return std::min(height, width) / 2.0; }
};

inline constexpr std::int64_t kShortestJudgedSide = 64;
/// So many frames at `fps` a second are judged: 9, and those of half of kNativeSeconds.
std::int64_t fewest_judged_frames(double fps);

/// Frames [T, 3, H, W], bytes or floats in [0, 1], of the first kNativeSeconds. Pictures whose
/// shorter side is longer than 256 pixels are reduced to that. Throws InvalidArgument for another
/// shape or type, for values that are no numbers, for sides shorter than
/// kShortestJudgedSide, for less than fewest_judged_frames, or unless `fps` is more than 0.
ClipPixels pixels_of(const at::Tensor& frames, double fps);

}  // namespace radial::video
