#pragma once

#include <vector>

#include "video/world/judge/clip_pixels.h"
#include "video/world/scene.h"

namespace radial::video {

/// How the camera moved, in units of what the world's camera does in kNativeSeconds.
struct CameraPath {
  std::vector<CameraPose> poses;  ///< of each frame
  double pan = 0;                 ///< 1: as far to the right as a pan goes
  double zoom = 0;                ///< 1: as far in as a zoom goes
};

/// Follows the camera by the background. As it stands in one place and only turns and zooms, two
/// frames differ by a homography, wherever the things in them are: the pan and zoom between frames
/// some way apart are those that leave the smallest difference, large ones (bodies that move)
/// counting no more than a cap. The poses' mean is that of the world's cameras.
CameraPath follow_camera(const ClipPixels& clip);

/// The direction of the world in which a pixel is seen; x and y where z is 1.
struct Sight {
  double x, y;
};
/// `column` and `row` in pixels from the upper left corner.
Sight sight_of(const ClipPixels& clip, const CameraPose& camera, double column, double row);

/// The row of the horizon in the picture's middle, in pixels from the top.
double horizon_row(const ClipPixels& clip, const CameraPose& camera);

}  // namespace radial::video
