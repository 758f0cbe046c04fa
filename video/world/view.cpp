#include "video/world/view.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "video/world/palette.h"

namespace radial::video {
namespace {

const double kPitchCosine = std::sqrt(1 - kCameraPitchSine * kCameraPitchSine);
constexpr double kPenumbra = 0.12;  // what the light's width adds to a shadow, per metre of height
constexpr double kContact = 2.2;    // reach of the dark below a body, in units of its size

// Ranges of pixels in the making.
struct Extent {
  double low = 1e30, high = -1e30;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

class Projection {
 public:
  Projection(const CameraPose& camera, const ClipSize& size) : size_(size) {
    const double angle = 2 * std::numbers::pi * camera.yaw;
    sine_ = std::sin(angle);
    cosine_ = std::cos(angle);
    scale_ = camera.focal * static_cast<double>(std::min(size.width, size.height)) / 2;
  }

  PixelBox sphere(double x, double y, double z, double radius) const {
    const auto [right, up, depth] = seen(x, y, z);
    Extent columns, rows;
    add_sphere(columns, right, depth, radius);
    add_sphere(rows, -up, depth, radius);
    return cut(columns, rows);
  }

  // The rectangle on the ground about (x, z).
  PixelBox ground(double x, double z, double half_x, double half_z) const {
    Extent columns, rows;
    for (const double sign_x : {-1.0, 1.0}) {
      for (const double sign_z : {-1.0, 1.0}) {
        const auto [right, up, depth] = seen(x + sign_x * half_x, 0, z + sign_z * half_z);
        columns.add(right / std::max(depth, 0.3));
        rows.add(-up / std::max(depth, 0.3));
      }
    }
    return cut(columns, rows);
  }

  double horizon() const {
    return static_cast<double>(size_.height) / 2 - scale_ * kCameraPitchSine / kPitchCosine;
  }

 private:
  std::array<double, 3> seen(double x, double y, double z) const {
    const double side = cosine_ * x - sine_ * z, ahead = sine_ * x + cosine_ * z;
    const double above = y - kCameraHeight;
    return {side, kPitchCosine * above + kCameraPitchSine * ahead,
            kPitchCosine * ahead - kCameraPitchSine * above};
  }

  // The lines of sight that touch the sphere.
  static void add_sphere(Extent& extent, double across, double depth, double radius) {
    const double square = depth * depth - radius * radius;
    const double root = radius * std::sqrt(across * across + square);
    extent.add((across * depth - root) / square);
    extent.add((across * depth + root) / square);
  }

  PixelBox cut(const Extent& columns, const Extent& rows) const {
    const auto range = [this](const Extent& extent, std::int64_t length) {
      const double centre = static_cast<double>(length) / 2, last = static_cast<double>(length - 1);
      const double low = std::clamp(std::floor(centre + scale_ * extent.low) - 1, 0.0, last);
      const double high = std::clamp(std::ceil(centre + scale_ * extent.high), low, last);
      return std::array{static_cast<std::int64_t>(low), static_cast<std::int64_t>(high - low) + 1};
    };
    const auto [left, width] = range(columns, size_.width);
    const auto [top, height] = range(rows, size_.height);
    return {left, top, width, height};
  }

  ClipSize size_;
  double sine_, cosine_, scale_;
};

PixelBox joined(const PixelBox& a, const PixelBox& b) {
  PixelBox both{std::min(a.left, b.left), std::min(a.top, b.top), 0, 0};
  both.width = std::max(a.left + a.width, b.left + b.width) - both.left;
  both.height = std::max(a.top + a.height, b.top + b.height) - both.top;
  return both;
}

BodyView view_body(const Body& body, const BodyPose& pose, const std::array<double, 3>& light,
                   const Projection& projection) {
  const double radius = bounding_radius(body);
  const double slope_x = light[0] / light[1], slope_z = light[2] / light[1];
  const double soft = kPenumbra * (pose.y + radius) / light[1];
  const PixelBox cast = projection.ground(pose.x - slope_x * pose.y, pose.z - slope_z * pose.y,
                                          radius * std::sqrt(1 + slope_x * slope_x) + soft,
                                          radius * std::sqrt(1 + slope_z * slope_z) + soft);
  const double contact = kContact * body.size;
  return {.pose = pose,
          .box = projection.sphere(pose.x, pose.y, pose.z, radius),
          .shadow = joined(cast, projection.ground(pose.x, pose.z, contact, contact))};
}

// Of two spheres that do not meet, the one with the smaller power of the camera hides the other.
std::vector<std::size_t> far_to_near(const Scene& scene, const FrameView& frame) {
  std::vector<double> power;
  for (std::size_t i = 0; i < scene.bodies.size(); ++i) {
    const BodyPose& pose = frame.bodies[i].pose;
    const double radius = bounding_radius(scene.bodies[i]), above = pose.y - kCameraHeight;
    power.push_back(pose.x * pose.x + above * above + pose.z * pose.z - radius * radius);
  }
  std::vector<std::size_t> order(power.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&power](std::size_t a, std::size_t b) { return power[a] > power[b]; });
  return order;
}

}  // namespace

std::vector<FrameView> view_frames(const Scene& scene, const ClipSize& size) {
  const std::array<double, 3> light = light_direction(scene);
  std::vector<FrameView> frames;
  for (std::int64_t index = 0; index < size.num_frames; ++index) {
    const double seconds = static_cast<double>(index) / size.fps;
    FrameView frame{.camera = camera_at(scene, seconds), .bodies = {}, .order = {}, .horizon = 0};
    const Projection projection(frame.camera, size);
    for (const Body& body : scene.bodies) {
      frame.bodies.push_back(view_body(body, pose_at(body, seconds), light, projection));
    }
    frame.order = far_to_near(scene, frame);
    frame.horizon = projection.horizon();
    frames.push_back(std::move(frame));
  }
  return frames;
}

Vectors rays(const Cameras& cameras, const at::Tensor& rows, const at::Tensor& columns) {
  const double scale = 1 / cameras.unit;
  const at::Tensor right = (columns - cameras.width / 2) * scale;
  const at::Tensor up = (cameras.height / 2 - rows) * scale;
  const at::Tensor ahead = up * kCameraPitchSine + cameras.focal * kPitchCosine;
  return {right * cameras.cosine + ahead * cameras.sine,
          up * kPitchCosine - cameras.focal * kCameraPitchSine,
          ahead * cameras.cosine - right * cameras.sine};
}

}  // namespace radial::video
