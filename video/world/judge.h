#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "video/world/caption.h"
#include "video/world/scene.h"

namespace radial::video {

// The programmed judge: what a clip of the synthetic world shows, measured from its pixels alone,
// and whether that is what a prompt asks for. How it measures and how often it errs: docs/world.md.

/// A body that was found, and what was measured of it.
struct SeenBody {
  BodyFacts facts;
  double presence = 0;                             ///< share of the frames in which it was found
  std::array<double, kNumShapes> shape_fits{};     ///< of its silhouettes, 0 to 1
  std::array<double, kNumMotions> motion_marks{};  ///< 1: as much as counts; see body_motion.h
};

/// What a clip shows. Bodies are found by their paint, so there is at most one of each colour.
struct SeenClip {
  std::vector<SeenBody> bodies;  ///< in the order of BodyColor
  CameraMove camera = CameraMove::kStatic;
  double pan = 0, zoom = 0;  ///< 1: what the world's camera does in kNativeSeconds, right or in
};

/// Looks at frames [T, 3, H, W], bytes or floats in [0, 1], `fps` a second, on any device; what
/// comes after kNativeSeconds is left out, as bodies and camera may turn back then. About a second
/// for 49 frames of 256 x 256 on one core. Throws InvalidArgument for another shape or type, sides
/// below 64 pixels, values that are no numbers, or a clip shorter than half of kNativeSeconds.
SeenClip look_at(const at::Tensor& frames, double fps);

/// One attribute of a prompt.
struct Verdict {
  bool is_right = false;
  std::string wanted, seen;  ///< of several bodies, in the prompt's order of colours: "ball, cube"
};

inline constexpr int kNumAttributes = 5;
inline constexpr std::array<std::string_view, kNumAttributes> kAttributeNames{
    "shape", "color", "motion", "camera", "number"};

/// Every attribute is asked for by every prompt: a prompt that does not speak of the camera asks
/// for one that stands still, as its captions mean in the world. Ground and sky are not judged.
struct Judgement {
  std::array<Verdict, kNumAttributes> verdicts;  ///< in the order of kAttributeNames
  bool all() const;
};

/// Compares what was seen with what is wanted. Each wanted body is paired with a seen one so that
/// most agrees; shape, colour and motion are right if they are for every wanted body. More bodies
/// than wanted make the number wrong alone.
Judgement compare(const SeenClip& seen, const CaptionFacts& wanted);

/// Both in one: `compare(look_at(frames, fps), wanted)`.
Judgement judge(const at::Tensor& frames, double fps, const CaptionFacts& wanted);

}  // namespace radial::video
