#include "video/train/caption_targets.h"

#include <algorithm>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::int64_t kPerColor = 1 + kNumShapes + kNumMotions;
constexpr std::int64_t kCamera = kNumColors * kPerColor;
constexpr std::int64_t kGround = kCamera + kNumCameraMoves;
constexpr std::int64_t kSky = kGround + kNumGrounds;
constexpr std::int64_t kCount = kSky + kNumSkies;
constexpr std::int64_t kMostBodies = 3;
constexpr std::int64_t kTargets = kCount + kMostBodies;

}  // namespace

std::int64_t num_caption_targets() { return kTargets; }

void caption_targets(const CaptionFacts& facts, std::span<float> targets) {
  RADIAL_REQUIRE(static_cast<std::int64_t>(targets.size()) == kTargets, "targets: expected ",
                 kTargets, " elements, got ", targets.size());
  std::ranges::fill(targets, 0.0f);
  const auto set = [&](std::int64_t first, auto which) {
    targets[static_cast<std::size_t>(first + static_cast<std::int64_t>(which))] = 1;
  };
  for (const BodyFacts& body : facts.bodies) {
    const std::int64_t first = static_cast<std::int64_t>(body.color) * kPerColor;
    set(first, 0);
    set(first + 1, body.shape);
    set(first + 1 + kNumShapes, body.motion);
  }
  set(kCamera, facts.camera);
  if (facts.ground) set(kGround, *facts.ground);
  if (facts.sky) set(kSky, *facts.sky);
  const auto bodies = static_cast<std::int64_t>(facts.bodies.size());
  set(kCount, std::clamp<std::int64_t>(bodies, 1, kMostBodies) - 1);
}

}  // namespace radial::video
