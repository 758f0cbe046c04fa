#pragma once

#include <array>

#include "video/world/scene.h"

namespace radial::video {

/// Red, green, blue in linear light.
using Rgb = std::array<double, 3>;

struct SkyColors {
  Rgb zenith, horizon, cloud, far_hills, near_hills;
  Rgb light;          ///< of the sun or moon
  Rgb ambient_above;  ///< of the sky, falls on what looks up
  Rgb ambient_below;  ///< comes back from the ground
};

/// What a ground lies between, before light falls on it.
struct GroundColors {
  Rgb first, second;
};

Rgb color_of(BodyColor color);
SkyColors colors_of(Sky sky);
/// `look` tints them a little.
GroundColors colors_of(Ground ground, std::uint64_t look);

/// The unit vector towards the light: behind the camera, to its left or right.
std::array<double, 3> light_direction(const Scene& scene);

}  // namespace radial::video
