#include "video/world/body_drawing.h"

#include <ATen/Functions.h>
#include <ATen/TensorIndexing.h>

#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "video/world/body_surface.h"
#include "video/world/palette.h"

namespace radial::video {
namespace {

using at::indexing::Slice;

struct Offset {
  double column, row;
};

constexpr std::array<Offset, 4> kRotatedGrid{
    {{0.375, 0.125}, {0.875, 0.375}, {0.125, 0.625}, {0.625, 0.875}}};
constexpr int kLights = 16;
constexpr double kLightRadius = 0.085;  // of the disc, one metre away: softer than the sun
constexpr int kShineSquarings = 5;      // highlights: the 32nd power
constexpr double kShine = 0.45;

at::Tensor column_of(std::span<const double> values, const at::TensorOptions& options) {
  const at::Tensor host =
      at::from_blob(const_cast<double*>(values.data()),
                    {1, static_cast<std::int64_t>(values.size()), 1, 1}, at::kDouble);
  return host.to(options.dtype(at::kFloat), /*non_blocking=*/false, /*copy=*/true);
}

// The mean over dimension 1, added in order.
at::Tensor mean_of_samples(const at::Tensor& values) {
  at::Tensor sum = values.select(1, 0);
  for (std::int64_t i = 1; i < values.size(1); ++i) sum = sum + values.select(1, i);
  return sum * (1.0 / static_cast<double>(values.size(1)));
}

/// The pixels of a patch.
class Pixels {
 public:
  Pixels(const PixelPatch& patch, const at::Tensor& canvas) : canvas_(canvas) {
    const at::TensorOptions options = canvas.options();
    const std::int64_t height = canvas.size(2), width = canvas.size(3);
    rows_ = at::arange(patch.height, options).view({1, 1, patch.height, 1}) +
            patch.top.clamp_max(static_cast<double>(height - patch.height));
    columns_ = at::arange(patch.width, options).view({1, 1, 1, patch.width}) +
               patch.left.clamp_max(static_cast<double>(width - patch.width));
    const at::Tensor frames = at::arange(canvas.size(1), options.dtype(at::kLong)).view({-1, 1, 1});
    index_ = {Slice(), frames, rows_.squeeze(1).to(at::kLong), columns_.squeeze(1).to(at::kLong)};
  }

  // Rays through points of each pixel, one for each offset: [n, S, height, width].
  Vectors rays_through(const Cameras& cameras, std::span<const Offset> offsets) const {
    std::vector<double> rows, columns;
    for (const Offset& offset : offsets) {
      rows.push_back(offset.row);
      columns.push_back(offset.column);
    }
    return rays(cameras, rows_ + column_of(rows, rows_.options()),
                columns_ + column_of(columns, columns_.options()));
  }

  // [3, n, height, width]
  at::Tensor read() const { return canvas_.index(index_); }
  void write(const at::Tensor& values) { canvas_.index_put_(index_, values); }

 private:
  at::Tensor canvas_, rows_, columns_;  // rows [n, 1, height, 1], columns [n, 1, 1, width]
  std::vector<at::indexing::TensorIndex> index_ = {};
};

// From the world's axes into the body's.
Vectors turned(const Vectors& v, const BodyPlaces& places) {
  return {v.x * places.cosine - v.z * places.sine, v.y, v.x * places.sine + v.z * places.cosine};
}

Vectors light_vectors(std::span<const std::array<double, 3>> lights,
                      const at::TensorOptions& options) {
  std::array<std::vector<double>, 3> parts;
  for (const auto& light : lights) {
    for (std::size_t axis = 0; axis < 3; ++axis) parts[axis].push_back(light[axis]);
  }
  return {column_of(parts[0], options), column_of(parts[1], options), column_of(parts[2], options)};
}

// Directions to points spread evenly over a disc: a spiral by the golden angle.
std::vector<std::array<double, 3>> disc_of_lights(const std::array<double, 3>& centre) {
  const double across = std::hypot(centre[0], centre[2]);
  const std::array<double, 3> side{centre[2] / across, 0, -centre[0] / across};
  const std::array<double, 3> over{-centre[0] * centre[1] / across, across,
                                   -centre[2] * centre[1] / across};
  std::vector<std::array<double, 3>> lights;
  for (int i = 0; i < kLights; ++i) {
    const double radius = kLightRadius * std::sqrt((i + 0.5) / kLights);
    const double angle = i * std::numbers::pi * (3 - std::sqrt(5.0));
    std::array<double, 3> light{};
    double square = 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      light[axis] =
          centre[axis] + radius * (std::cos(angle) * side[axis] + std::sin(angle) * over[axis]);
      square += light[axis] * light[axis];
    }
    for (double& part : light) part /= std::sqrt(square);
    lights.push_back(light);
  }
  return lights;
}

// Points of each pixel, in an order that has nothing to do with that of the lights.
std::vector<Offset> pixel_offsets() {
  std::vector<Offset> offsets;
  for (int i = 0; i < kLights; ++i) {
    const int cell = i * 7 % kLights;
    offsets.push_back({(cell % 4 + 0.5) / 4, (cell / 4 + 0.5) / 4});
  }
  return offsets;
}

// How much of the sky a ball of the body's size takes from the ground.
at::Tensor contact(const Body& body, const BodyPlaces& places, const Vectors& ground) {
  constexpr double kSeam = 0.05;  // what is left at the edge of the patch
  const double radius = 0.85 * body.size;
  const Vectors up{places.x - ground.x, places.y - ground.y, places.z - ground.z};
  const at::Tensor square = dot(up, up).clamp_min(1e-6);
  return ((up.y / square.sqrt()) * (radius * radius) / square - kSeam).clamp(0, 1);
}

struct Shading {
  at::Tensor found, above, lit, shine;  // means over the samples: [n, height, width]
};

Shading shade(const Scene& scene, const Body& body, const BodyPlaces& places, const Vectors& ray) {
  const Vectors towards = turned(ray, places);
  const at::Tensor length = dot(towards, towards).sqrt();
  const Vectors direction{towards.x / length, towards.y / length, towards.z / length};
  const Vectors origin = turned({-places.x, kCameraHeight - places.y, -places.z}, places);
  const Hit hit = intersect(body.shape, body.size, origin, direction);
  const Vectors normal = normal_at(body.shape, body.size, hit.point);
  const std::array<std::array<double, 3>, 1> lights{light_direction(scene)};
  const Vectors light = turned(light_vectors(lights, ray.x.options()), places);

  const auto mean = [&hit](const at::Tensor& value) {
    return mean_of_samples(at::where(hit.found, value, 0.));
  };
  // Half way between the light and the eye.
  const Vectors half{light.x - direction.x, light.y - direction.y, light.z - direction.z};
  at::Tensor shine = (dot(normal, half) / dot(half, half).clamp_min(1e-9).sqrt()).clamp(0, 1);
  for (int i = 0; i < kShineSquarings; ++i) shine = shine * shine;
  const at::Tensor height = (hit.point.y + places.y) * (1 / body.size);
  const at::Tensor open = (height * 0.4 + 0.55).clamp(0, 1);  // the ground's nearness darkens
  return {.found = mean(at::ones_like(shine)),
          .above = mean((normal.y * 0.5 + 0.5) * open),
          .lit = mean(dot(normal, light).clamp_min(0)),
          .shine = mean(shine)};
}

}  // namespace

void draw_shadow(const Scene& scene, const Body& body, const BodyPlaces& places,
                 const Cameras& cameras, const PixelPatch& patch, const at::Tensor& canvas) {
  Pixels pixels(patch, canvas);
  const Vectors ray = pixels.rays_through(cameras, pixel_offsets());
  const at::Tensor below = ray.y < -1e-2;
  const at::Tensor distance = kCameraHeight / (-ray.y).clamp_min(1e-2);
  const Vectors ground{ray.x * distance, at::zeros_like(distance), ray.z * distance};
  const Vectors origin =
      turned({ground.x - places.x, ground.y - places.y, ground.z - places.z}, places);
  const Vectors lights =
      turned(light_vectors(disc_of_lights(light_direction(scene)), ray.x.options()), places);
  const Hit hit = intersect(body.shape, body.size, origin, lights);
  const at::Tensor hidden = mean_of_samples(hit.found.logical_and(below).to(canvas.scalar_type()));
  const at::Tensor dark = mean_of_samples(at::where(below, contact(body, places, ground), 0.));

  const SkyColors colors = colors_of(scene.sky);
  const double upright = light_direction(scene)[1];
  const at::Tensor under = pixels.read();
  std::vector<at::Tensor> over;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double sky = colors.ambient_above[channel], sun = upright * colors.light[channel];
    const at::Tensor left = 1 - hidden * (sun / (sky + sun)) - dark * (0.8 * sky / (sky + sun));
    over.push_back(under.select(0, static_cast<std::int64_t>(channel)) * left.clamp_min(0.05));
  }
  pixels.write(at::stack(over));
}

void draw_body(const Scene& scene, const Body& body, const BodyPlaces& places,
               const Cameras& cameras, const PixelPatch& patch, const at::Tensor& canvas) {
  Pixels pixels(patch, canvas);
  const Shading shading = shade(scene, body, places, pixels.rays_through(cameras, kRotatedGrid));
  const SkyColors colors = colors_of(scene.sky);
  const Rgb paint = color_of(body.color);
  const at::Tensor under = pixels.read();
  std::vector<at::Tensor> over;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double below = colors.ambient_below[channel], above = colors.ambient_above[channel];
    const at::Tensor light = shading.found * below + shading.above * (above - below) +
                             shading.lit * colors.light[channel];
    over.push_back(under.select(0, static_cast<std::int64_t>(channel)) * (1 - shading.found) +
                   light * paint[channel] + shading.shine * (kShine * colors.light[channel]));
  }
  pixels.write(at::stack(over));
}

}  // namespace radial::video
