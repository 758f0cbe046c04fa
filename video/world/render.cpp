#include "video/world/render.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "radial/base/error.h"
#include "video/world/background.h"
#include "video/world/body_drawing.h"
#include "video/world/view.h"

namespace radial::video {
namespace {

constexpr std::int64_t kSmallestSide = 16, kLargestSide = 4096, kMostFrames = 100000;
// On a CPU what one operation writes should still be in its cache when the next one reads it.
constexpr std::int64_t kCpuPixels = std::int64_t{1} << 16;

void check(const std::vector<Scene>& scenes, const ClipSize& size) {
  const auto side = [](const char* name, std::int64_t pixels) {
    if (pixels < kSmallestSide || pixels > kLargestSide) {
      throw InvalidArgument(concat(name, ": expected ", kSmallestSide, " to ", kLargestSide,
                                   " pixels, got ", pixels));
    }
  };
  side("width", size.width);
  side("height", size.height);
  if (size.num_frames < 1 || size.num_frames > kMostFrames) {
    throw InvalidArgument(
        concat("num_frames: expected 1 to ", kMostFrames, ", got ", size.num_frames));
  }
  if (!(size.fps > 0) || !std::isfinite(size.fps)) {
    throw InvalidArgument(concat("fps: expected more than 0, got ", size.fps));
  }
  if (scenes.empty()) throw InvalidArgument("scenes: expected at least one, got none");
  for (const Scene& scene : scenes) {
    if (scene.bodies.empty()) throw InvalidArgument("scenes: expected bodies in each, got none");
  }
}

/// A clip of one scene in the making.
class Clip {
 public:
  Clip(const Scene& scene, const ClipSize& size, const at::Tensor& noise)
      : scene_(scene), size_(size), noise_(noise), frames_(view_frames(scene, size)) {
    at::Tensor host =
        at::empty({kCameraValues + kBodyValues * num_bodies(), size.num_frames}, at::kDouble);
    auto values = host.accessor<double, 2>();
    for (std::int64_t i = 0; i < size.num_frames; ++i) {
      std::int64_t row = 0;
      for (const double value : values_of(frames_[static_cast<std::size_t>(i)]))
        values[row++][i] = value;
    }
    values_ = host.to(at::kFloat).to(noise.device());
  }

  // Frames that are drawn together have the same order of bodies.
  void draw(const at::Tensor& clip) const {
    const std::int64_t most =
        noise_.is_cpu() ? std::max<std::int64_t>(1, kCpuPixels / (size_.width * size_.height))
                        : size_.num_frames;
    at::Tensor still;
    if (scene_.camera == CameraMove::kStatic) {
      still = at::zeros({3, 1, size_.height, size_.width}, clip.options());
      draw_background({0, 1}, still);
    }
    for (std::int64_t begin = 0; begin < size_.num_frames;) {
      std::int64_t count = 1;
      while (count < most && begin + count < size_.num_frames &&
             frame(begin + count).order == frame(begin).order) {
        ++count;
      }
      draw_frames({begin, count}, still, clip.narrow(1, begin, count));
      begin += count;
    }
  }

 private:
  struct Run {
    std::int64_t begin, count;
  };
  static constexpr std::int64_t kCameraValues = 4, kBodyValues = 9;

  std::int64_t num_bodies() const { return static_cast<std::int64_t>(scene_.bodies.size()); }
  const FrameView& frame(std::int64_t i) const { return frames_[static_cast<std::size_t>(i)]; }

  static std::vector<double> values_of(const FrameView& frame) {
    const double turn = 2 * std::numbers::pi;
    const CameraPose& camera = frame.camera;
    std::vector<double> values{std::sin(turn * camera.yaw), std::cos(turn * camera.yaw),
                               camera.focal, frame.horizon};
    for (const BodyView& body : frame.bodies) {
      const BodyPose& pose = body.pose;
      values.insert(values.end(),
                    {pose.x, pose.y, pose.z, std::sin(turn * pose.yaw), std::cos(turn * pose.yaw),
                     static_cast<double>(body.box.left), static_cast<double>(body.box.top),
                     static_cast<double>(body.shadow.left), static_cast<double>(body.shadow.top)});
    }
    return values;
  }

  at::Tensor value(const Run& run, std::int64_t row) const {
    return values_[row].narrow(0, run.begin, run.count).view({run.count, 1, 1, 1});
  }

  Cameras cameras(const Run& run) const {
    return {.sine = value(run, 0),
            .cosine = value(run, 1),
            .focal = value(run, 2),
            .unit = static_cast<double>(std::min(size_.width, size_.height)) / 2,
            .width = static_cast<double>(size_.width),
            .height = static_cast<double>(size_.height)};
  }

  void draw_background(const Run& run, const at::Tensor& canvas) const {
    double highest = frame(run.begin).horizon, lowest = highest;
    for (std::int64_t i = 1; i < run.count; ++i) {
      highest = std::min(highest, frame(run.begin + i).horizon);
      lowest = std::max(lowest, frame(run.begin + i).horizon);
    }
    const auto row = [this](double horizon) {
      return static_cast<std::int64_t>(
          std::clamp(horizon, -2.0, static_cast<double>(size_.height) + 2));
    };
    const Cameras seen_by = cameras(run);
    const Background background{.scene = scene_,
                                .cameras = seen_by,
                                .noise = noise_,
                                .horizon = value(run, 3),
                                .first_ground = row(std::floor(highest)) - 1,
                                .last_sky = row(std::ceil(lowest)) + 1};
    background.draw(canvas);
  }

  PixelPatch patch(const Run& run, std::size_t body, PixelBox BodyView::*box) const {
    const std::int64_t first = kCameraValues + kBodyValues * static_cast<std::int64_t>(body) +
                               (box == &BodyView::box ? 5 : 7);
    PixelPatch patch{.left = value(run, first), .top = value(run, first + 1)};
    for (std::int64_t i = 0; i < run.count; ++i) {
      const PixelBox& pixels = frame(run.begin + i).bodies[body].*box;
      patch.width = std::max(patch.width, pixels.width);
      patch.height = std::max(patch.height, pixels.height);
    }
    return patch;
  }

  BodyPlaces places(const Run& run, std::size_t body) const {
    const std::int64_t first = kCameraValues + kBodyValues * static_cast<std::int64_t>(body);
    return {.x = value(run, first),
            .y = value(run, first + 1),
            .z = value(run, first + 2),
            .sine = value(run, first + 3),
            .cosine = value(run, first + 4)};
  }

  // canvas: [3, n, height, width]
  void draw_frames(const Run& run, const at::Tensor& still, const at::Tensor& canvas) const {
    if (still.defined()) {
      canvas.copy_(still.expand_as(canvas));
    } else {
      draw_background(run, canvas);
    }
    const Cameras seen_by = cameras(run);
    const std::vector<std::size_t>& order = frame(run.begin).order;
    for (const std::size_t i : order) {
      draw_shadow(scene_, scene_.bodies[i], places(run, i), seen_by,
                  patch(run, i, &BodyView::shadow), canvas);
    }
    for (const std::size_t i : order) {
      draw_body(scene_, scene_.bodies[i], places(run, i), seen_by, patch(run, i, &BodyView::box),
                canvas);
    }
    canvas.clamp_(0, 1).sqrt_().mul_(2).sub_(1);  // from linear light to what a screen takes
  }

  const Scene& scene_;
  const ClipSize& size_;
  at::Tensor noise_, values_;  // values: [row, frame]
  std::vector<FrameView> frames_;
};

}  // namespace

at::Tensor render(const std::vector<Scene>& scenes, const ClipSize& size, at::Device device) {
  check(scenes, size);
  const at::NoGradGuard no_gradients;
  const at::Tensor noise = make_noise_table(device);
  const auto batch = static_cast<std::int64_t>(scenes.size());
  // Zeros, as the ground is blended with what is there: nothing times 0 would still be NaN.
  at::Tensor clips = at::zeros({batch, 3, size.num_frames, size.height, size.width},
                               at::TensorOptions().dtype(at::kFloat).device(device));
  for (std::int64_t i = 0; i < batch; ++i) {
    Clip(scenes[static_cast<std::size_t>(i)], size, noise).draw(clips[i]);
  }
  return clips;
}

}  // namespace radial::video
