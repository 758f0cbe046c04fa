#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "video/world/judge/camera_path.h"
#include "video/world/judge/clip_pixels.h"

namespace radial::video {

/// The largest patch of one paint in one frame.
struct BodyMask {
  int left = 0, top = 0, width = 0, height = 0;
  int area = 0;                      ///< pixels
  bool is_free = true;               ///< whole in the picture, next to no other paint
  std::vector<std::uint8_t> inside;  ///< [height][width], 1 within the silhouette

  bool at(int row, int column) const {
    return row >= 0 && column >= 0 && row < height && column < width &&
           inside[static_cast<std::size_t>(row) * width + column] != 0;
  }
};

/// What one frame shows, for each of BodyColor: absent where there is no patch of that paint.
using FrameMasks = std::vector<std::optional<BodyMask>>;

/// Finds bodies by their paint. Paints are far more saturated than any ground, and light changes
/// their hue little: a pixel belongs to the paint whose range its hue lies in, if its saturation
/// is high enough for that paint. Patches must reach below the horizon.
std::vector<FrameMasks> find_bodies(const ClipPixels& clip, const CameraPath& camera);

}  // namespace radial::video
