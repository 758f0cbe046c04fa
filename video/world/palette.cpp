#include "video/world/palette.h"

#include <cmath>

#include "video/world/counter_random.h"

namespace radial::video {
namespace {

constexpr std::uint64_t kTintStream = 1;

// From the values a screen shows; the picture is squared light, near enough to gamma 2.2.
constexpr Rgb screen(double red, double green, double blue) {
  return {red * red, green * green, blue * blue};
}

}  // namespace

Rgb color_of(BodyColor color) {
  constexpr std::array<Rgb, kNumColors> kColors{screen(0.92, 0.10, 0.08), screen(1.00, 0.52, 0.04),
                                                screen(0.98, 0.88, 0.10), screen(0.10, 0.68, 0.16),
                                                screen(0.10, 0.84, 0.90), screen(0.12, 0.24, 0.92),
                                                screen(0.50, 0.14, 0.74), screen(1.00, 0.50, 0.74)};
  return kColors.at(static_cast<std::size_t>(color));
}

SkyColors colors_of(Sky sky) {
  switch (sky) {
    case Sky::kDay:
      return {.zenith = screen(0.26, 0.52, 0.86),
              .horizon = screen(0.76, 0.87, 0.96),
              .cloud = screen(0.98, 0.98, 1.00),
              .far_hills = screen(0.55, 0.66, 0.76),
              .near_hills = screen(0.36, 0.50, 0.42),
              .light = {0.86, 0.82, 0.74},
              .ambient_above = {0.34, 0.38, 0.44},
              .ambient_below = {0.20, 0.19, 0.17}};
    case Sky::kDusk:
      return {.zenith = screen(0.30, 0.26, 0.50),
              .horizon = screen(0.98, 0.66, 0.42),
              .cloud = screen(0.96, 0.56, 0.50),
              .far_hills = screen(0.56, 0.38, 0.46),
              .near_hills = screen(0.32, 0.24, 0.32),
              .light = {0.82, 0.66, 0.50},
              .ambient_above = {0.30, 0.27, 0.32},
              .ambient_below = {0.16, 0.13, 0.13}};
    case Sky::kNight:
      break;
  }
  return {.zenith = screen(0.04, 0.05, 0.14),
          .horizon = screen(0.20, 0.24, 0.42),
          .cloud = screen(0.28, 0.31, 0.46),
          .far_hills = screen(0.13, 0.16, 0.28),
          .near_hills = screen(0.07, 0.09, 0.16),
          .light = {0.60, 0.63, 0.72},
          .ambient_above = {0.17, 0.18, 0.22},
          .ambient_below = {0.07, 0.07, 0.09}};
}

GroundColors colors_of(Ground ground, std::uint64_t look) {
  constexpr std::array<GroundColors, kNumGrounds> kColors{{
      {screen(0.84, 0.82, 0.78), screen(0.38, 0.40, 0.44)},
      {screen(0.90, 0.80, 0.62), screen(0.72, 0.58, 0.40)},
      {screen(0.44, 0.52, 0.24), screen(0.24, 0.33, 0.13)},
      {screen(0.70, 0.50, 0.32), screen(0.46, 0.29, 0.17)},
      {screen(0.66, 0.65, 0.64), screen(0.42, 0.42, 0.44)},
  }};
  GroundColors colors = kColors.at(static_cast<std::size_t>(ground));
  CounterRandom random(look, kTintStream);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double tint = random.uniform(0.9, 1.1);
    colors.first[channel] *= tint;
    colors.second[channel] *= tint;
  }
  return colors;
}

std::array<double, 3> light_direction(const Scene& scene) {
  const double across = std::sqrt(1 - scene.light_height * scene.light_height);
  return {(scene.light_from_left ? -0.9 : 0.9) * across, scene.light_height, -0.436 * across};
}

}  // namespace radial::video
