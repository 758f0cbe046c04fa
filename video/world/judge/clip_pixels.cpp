#include "video/world/judge/clip_pixels.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "radial/base/error.h"
#include "video/world/scene.h"

namespace radial::video {
namespace {

constexpr std::int64_t kFewestFrames = 9, kWorkingSide = 256;

void check(const at::Tensor& frames, double fps) {
  const bool is_clip = frames.dim() == 4 && frames.size(1) == 3;
  RADIAL_REQUIRE(is_clip, "frames: expected [T, 3, H, W], got ", frames.dim(), " dimensions",
                 frames.dim() == 4 ? concat(" with ", frames.size(1), " channels") : "");
  const bool is_number = frames.scalar_type() == at::kByte || frames.is_floating_point();
  RADIAL_REQUIRE(is_number, "frames: expected bytes or floats in [0, 1], got ",
                 c10::toString(frames.scalar_type()));
  const std::int64_t side = std::min(frames.size(2), frames.size(3));
  RADIAL_REQUIRE(side >= kShortestJudgedSide, "frames: expected sides of ", kShortestJudgedSide,
                 " pixels or more, got ", side);
  RADIAL_REQUIRE(fps > 0 && std::isfinite(fps), "fps: expected more than 0, got ", fps);
  const std::int64_t fewest = fewest_judged_frames(fps);
  RADIAL_REQUIRE(frames.size(0) >= fewest, "frames: expected ", fewest, " or more at ", fps,
                 " a second, got ", frames.size(0));
}

}  // namespace

std::int64_t fewest_judged_frames(double fps) {
  return std::max(kFewestFrames, static_cast<std::int64_t>(fps * kNativeSeconds / 2) + 1);
}

ClipPixels pixels_of(const at::Tensor& frames, double fps) {
  check(frames, fps);
  const auto native = static_cast<std::int64_t>(std::floor(kNativeSeconds * fps + 1e-6)) + 1;
  at::Tensor values = frames.narrow(0, 0, std::min(native, frames.size(0))).cpu();
  values = values.scalar_type() == at::kByte ? values.to(at::kFloat) / 255 : values.to(at::kFloat);
  const std::int64_t side = std::min(values.size(2), values.size(3));
  if (side > kWorkingSide) {
    values = at::adaptive_avg_pool2d(
        values, {values.size(2) * kWorkingSide / side, values.size(3) * kWorkingSide / side});
  }
  values = values.contiguous();
  RADIAL_REQUIRE(at::isfinite(values).all().item<bool>(), "frames: expected numbers, got NaN");
  ClipPixels clip{.num_frames = static_cast<int>(values.size(0)),
                  .height = static_cast<int>(values.size(2)),
                  .width = static_cast<int>(values.size(3)),
                  .fps = fps,
                  .values = {}};
  const float* const data = values.const_data_ptr<float>();
  clip.values.assign(data, data + values.numel());
  return clip;
}

}  // namespace radial::video
