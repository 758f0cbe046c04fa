#include "video/world/judge.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "video/world/judge/body_motion.h"
#include "video/world/judge/camera_path.h"
#include "video/world/judge/clip_pixels.h"
#include "video/world/judge/color_masks.h"
#include "video/world/judge/silhouettes.h"

namespace radial::video {
namespace {

constexpr double kLeastPresence = 0.5, kLeastCameraMove = 0.5;

CameraMove camera_move(const CameraPath& path) {
  if (std::max(std::abs(path.pan), std::abs(path.zoom)) < kLeastCameraMove)
    return CameraMove::kStatic;
  if (std::abs(path.pan) > std::abs(path.zoom))
    return path.pan > 0 ? CameraMove::kPanRight : CameraMove::kPanLeft;
  return path.zoom > 0 ? CameraMove::kZoomIn : CameraMove::kZoomOut;
}

// The mean over frames, preferably those in which nothing hides the body.
std::array<double, kNumShapes> mean_fits(const std::vector<FrameMasks>& frames, std::size_t paint) {
  constexpr std::size_t kMostFrames = 12;
  std::vector<const BodyMask*> masks;
  for (const bool only_free : {true, false}) {
    if (!masks.empty()) break;
    for (const FrameMasks& frame : frames) {
      if (frame[paint] && (frame[paint]->is_free || !only_free)) masks.push_back(&*frame[paint]);
    }
  }
  // Large ones show more: the larger half, evenly spread over time.
  std::vector<int> areas;
  for (const BodyMask* mask : masks) areas.push_back(mask->area);
  std::nth_element(areas.begin(), areas.begin() + static_cast<std::ptrdiff_t>(areas.size() / 2),
                   areas.end());
  const int median = areas[areas.size() / 2];
  std::erase_if(masks, [median](const BodyMask* mask) { return mask->area < median; });
  const std::size_t count = std::min(kMostFrames, masks.size());
  std::array<double, kNumShapes> sums{};
  for (std::size_t i = 0; i < count; ++i) {
    const auto fits = fit_shapes(silhouette_of(*masks[i * masks.size() / count]));
    for (std::size_t shape = 0; shape < fits.size(); ++shape) {
      sums[shape] += fits[shape] / static_cast<double>(count);
    }
  }
  return sums;
}

std::optional<SeenBody> see_body(const ClipPixels& clip, const CameraPath& camera,
                                 const std::vector<FrameMasks>& frames, BodyColor color) {
  const auto paint = static_cast<std::size_t>(color);
  const auto num_seen = std::count_if(frames.begin(), frames.end(), [paint](const auto& masks) {
    return masks[paint].has_value();
  });
  SeenBody body;
  body.presence = static_cast<double>(num_seen) / static_cast<double>(frames.size());
  if (body.presence < kLeastPresence) return std::nullopt;
  body.shape_fits = mean_fits(frames, paint);
  const auto best = std::max_element(body.shape_fits.begin(), body.shape_fits.end());
  const auto shape = static_cast<BodyShape>(best - body.shape_fits.begin());
  const MotionMarks motion = recognise_motion(track_body(clip, camera, frames, color));
  body.motion_marks = motion.marks;
  body.facts = {.color = color, .shape = shape, .motion = motion.motion};
  const bool can_spin = shape == BodyShape::kCube || shape == BodyShape::kRing;
  if (motion.motion == Motion::kSpin && !can_spin) body.facts.motion = Motion::kStill;
  return body;
}

/// Which seen body stands for each wanted one; -1: none.
using Pairing = std::vector<int>;

// In how much a pairing agrees; a body is first of all what has its colour.
double agreement(const Pairing& pairing, const SeenClip& seen, const CaptionFacts& wanted) {
  double sum = 0;
  for (std::size_t i = 0; i < pairing.size(); ++i) {
    if (pairing[i] < 0) continue;
    const BodyFacts& body = seen.bodies[static_cast<std::size_t>(pairing[i])].facts;
    sum += (body.color == wanted.bodies[i].color ? 1.1 : 0) +
           (body.shape == wanted.bodies[i].shape ? 1 : 0) +
           (body.motion == wanted.bodies[i].motion ? 1 : 0) + 0.01;
  }
  return sum;
}

void try_pairings(Pairing& pairing, std::size_t next, const SeenClip& seen,
                  const CaptionFacts& wanted, Pairing& best, double& most) {
  if (next == wanted.bodies.size()) {
    const double value = agreement(pairing, seen, wanted);
    if (value > most) {
      most = value;
      best = pairing;
    }
    return;
  }
  for (int body = -1; body < static_cast<int>(seen.bodies.size()); ++body) {
    const auto end = pairing.begin() + static_cast<std::ptrdiff_t>(next);
    if (body >= 0 && std::find(pairing.begin(), end, body) != end) continue;
    pairing[next] = body;
    try_pairings(pairing, next + 1, seen, wanted, best, most);
  }
}

Verdict verdict(std::string wanted, std::string seen) {
  const bool is_right = wanted == seen;
  return {is_right, std::move(wanted), std::move(seen)};
}

}  // namespace

SeenClip look_at(const at::Tensor& frames, double fps) {
  const ClipPixels clip = pixels_of(frames, fps);
  const CameraPath camera = follow_camera(clip);
  const std::vector<FrameMasks> masks = find_bodies(clip, camera);
  SeenClip seen{
      .bodies = {}, .camera = camera_move(camera), .pan = camera.pan, .zoom = camera.zoom};
  for (int color = 0; color < kNumColors; ++color) {
    auto body = see_body(clip, camera, masks, static_cast<BodyColor>(color));
    if (body) seen.bodies.push_back(*body);
  }
  return seen;
}

bool Judgement::all() const {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& each) { return each.is_right; });
}

Judgement compare(const SeenClip& seen, const CaptionFacts& wanted) {
  Pairing pairing(wanted.bodies.size(), -1), best = pairing;
  double most = -1;
  try_pairings(pairing, 0, seen, wanted, best, most);
  const auto bodies = [&](auto BodyFacts::*fact) {
    std::string asked, found;
    for (std::size_t i = 0; i < best.size(); ++i) {
      const char* const comma = i == 0 ? "" : ", ";
      asked.append(comma).append(name_of(wanted.bodies[i].*fact));
      found.append(comma).append(
          best[i] < 0 ? "none"
                      : name_of(seen.bodies[static_cast<std::size_t>(best[i])].facts.*fact));
    }
    return verdict(std::move(asked), std::move(found));
  };
  return {{bodies(&BodyFacts::shape), bodies(&BodyFacts::color), bodies(&BodyFacts::motion),
           verdict(std::string(name_of(wanted.camera)), std::string(name_of(seen.camera))),
           verdict(std::to_string(wanted.bodies.size()), std::to_string(seen.bodies.size()))}};
}

Judgement judge(const at::Tensor& frames, double fps, const CaptionFacts& wanted) {
  return compare(look_at(frames, fps), wanted);
}

}  // namespace radial::video
