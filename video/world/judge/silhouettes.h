#pragma once

#include <array>
#include <vector>

#include "video/world/judge/color_masks.h"
#include "video/world/scene.h"

namespace radial::video {

/// A silhouette moved to its centroid and scaled to area 1, as shares of the cells of a grid.
using Silhouette = std::vector<float>;

Silhouette silhouette_of(const BodyMask& mask);

/// How well a silhouette fits those of each shape: the largest ratio of intersection and union
/// with any of the shape's silhouettes, as the world's camera sees them from all distances, heights
/// and sides.
std::array<double, kNumShapes> fit_shapes(const Silhouette& silhouette);

}  // namespace radial::video
