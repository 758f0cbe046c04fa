#pragma once

#include <array>
#include <vector>

#include "video/world/judge/color_masks.h"

namespace radial::video {

/// What one body was seen to do, with the camera's own move taken out: of each frame it is seen in
/// the direction of its centre (Sight) and the logarithm of its angular size.
struct BodyTrack {
  std::vector<double> seconds, x, y, log_size;
  double turning = 0;  ///< how much its picture changes in a second, as kSpin changes it
};

BodyTrack track_body(const ClipPixels& clip, const CameraPath& camera,
                     const std::vector<FrameMasks>& frames, BodyColor color);

/// The most of each motion's mark in a track, in units of the least that the world's bodies show:
/// kLeft and kRight of the way across, kToward and kAway of the change of size, kBounce of the way
/// up and down, kCircle of the way across and back, kSpin of the turning; kStill is 1 less the
/// largest.
struct MotionMarks {
  std::array<double, kNumMotions> marks{};
  Motion motion = Motion::kStill;  ///< what it comes to
};

MotionMarks recognise_motion(const BodyTrack& track);

}  // namespace radial::video
