#include "video/world/judge/silhouettes.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "video/world/body_surface.h"
#include "video/world/view.h"

namespace radial::video {
namespace {

constexpr int kGrid = 48;       // cells along a side
constexpr double kReach = 1.2;  // of the grid from the centroid, in roots of the area
constexpr int kRendered = 96;   // pixels along a side of what the shapes are drawn on
constexpr double kSize = 0.5;   // of the bodies drawn

struct Template {
  BodyShape shape;
  Silhouette silhouette;
};

int num_yaws(BodyShape shape) {
  if (shape == BodyShape::kCube) return 9;    // of a quarter turn
  return shape == BodyShape::kRing ? 12 : 1;  // of half a turn
}

// The body on the ground, or above it, straight ahead.
BodyMask draw(BodyShape shape, double yaw_turns, double depth, double height) {
  Body body{.shape = shape, .size = kSize, .x = 0, .z = depth};
  const double y = pose_at(body, 0).y + height;
  const double focal = camera_at({}, 0).focal;
  const double pitch_cosine = std::sqrt(1 - kCameraPitchSine * kCameraPitchSine);
  const double below = kCameraHeight - y;
  const double ahead = pitch_cosine * depth + kCameraPitchSine * below;
  const double up = focal * (kCameraPitchSine * depth - pitch_cosine * below) / ahead;
  const double half = 1.6 * kSize * focal / ahead;  // of the window

  const at::Tensor steps = ((at::arange(kRendered, at::kFloat) + 0.5) / kRendered * 2 - 1) * half;
  const Cameras camera{.sine = at::zeros({1, 1}),
                       .cosine = at::ones({1, 1}),
                       .focal = at::full({1, 1}, focal),
                       .unit = 1,
                       .width = 0,
                       .height = 0};
  const Vectors ray = rays(camera, steps.view({-1, 1}) - up, steps.view({1, -1}));
  const double angle = 2 * std::numbers::pi * yaw_turns;
  const double sine = std::sin(angle), cosine = std::cos(angle);
  const auto turned = [&](const Vectors& v) {
    return Vectors{v.x * cosine - v.z * sine, v.y, v.x * sine + v.z * cosine};
  };
  const at::Tensor zero = at::zeros({1, 1});
  const Vectors towards = turned({ray.x, ray.y.expand_as(ray.x), ray.z.expand_as(ray.x)});
  const at::Tensor length = dot(towards, towards).sqrt();
  const Vectors origin = turned({zero, zero + below, zero - depth});
  const Hit hit =
      intersect(shape, kSize, origin, {towards.x / length, towards.y / length, towards.z / length});
  const at::Tensor found = hit.found.to(at::kByte).contiguous();
  BodyMask mask{.width = kRendered, .height = kRendered, .inside = {}};
  mask.inside.assign(found.const_data_ptr<std::uint8_t>(),
                     found.const_data_ptr<std::uint8_t>() + found.numel());
  mask.area = static_cast<int>(std::count(mask.inside.begin(), mask.inside.end(), 1));
  return mask;
}

std::vector<Template> make_templates() {
  struct Place {
    double depth, height;
  };
  constexpr std::array<Place, 5> kPlaces{{{4.8, 0}, {6, 0}, {8.5, 0}, {5.5, 0.8}, {7, 0.8}}};
  std::vector<Template> templates;
  for (int i = 0; i < kNumShapes; ++i) {
    const auto shape = static_cast<BodyShape>(i);
    const double range = shape == BodyShape::kCube ? 0.25 : 0.5;
    for (int yaw = 0; yaw < num_yaws(shape); ++yaw) {
      for (const Place& place : kPlaces) {
        const BodyMask mask = draw(shape, range * yaw / num_yaws(shape), place.depth, place.height);
        templates.push_back({shape, silhouette_of(mask)});
      }
    }
  }
  return templates;
}

double overlap(const Silhouette& a, const Silhouette& b) {
  double common = 0, joint = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    common += std::min(a[i], b[i]);
    joint += std::max(a[i], b[i]);
  }
  return joint > 0 ? common / joint : 0;
}

}  // namespace

Silhouette silhouette_of(const BodyMask& mask) {
  double sum_x = 0, sum_y = 0, area = 0;
  for (int row = 0; row < mask.height; ++row) {
    for (int column = 0; column < mask.width; ++column) {
      if (!mask.at(row, column)) continue;
      sum_x += column + 0.5;
      sum_y += row + 0.5;
      area += 1;
    }
  }
  Silhouette cells(std::size_t{kGrid} * kGrid, 0);
  if (area == 0) return cells;
  const double scale = std::sqrt(area), step = 2 * kReach / kGrid;
  for (int row = 0; row < kGrid; ++row) {
    for (int column = 0; column < kGrid; ++column) {
      // Between the centres of four pixels.
      const double y = sum_y / area + ((row + 0.5) * step - kReach) * scale - 0.5;
      const double x = sum_x / area + ((column + 0.5) * step - kReach) * scale - 0.5;
      const int top = static_cast<int>(std::floor(y)), left = static_cast<int>(std::floor(x));
      const double down = y - top, right = x - left;
      const double above = mask.at(top, left) * (1 - right) + mask.at(top, left + 1) * right;
      const double below =
          mask.at(top + 1, left) * (1 - right) + mask.at(top + 1, left + 1) * right;
      cells[static_cast<std::size_t>(row) * kGrid + column] =
          static_cast<float>(above * (1 - down) + below * down);
    }
  }
  return cells;
}

std::array<double, kNumShapes> fit_shapes(const Silhouette& silhouette) {
  static const std::vector<Template> templates = make_templates();
  std::array<double, kNumShapes> best{};
  for (const Template& each : templates) {
    double& value = best[static_cast<std::size_t>(each.shape)];
    value = std::max(value, overlap(silhouette, each.silhouette));
  }
  return best;
}

}  // namespace radial::video
