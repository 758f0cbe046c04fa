#pragma once

#include <ATen/core/Tensor.h>

#include "video/world/view.h"

namespace radial::video {

/// Where rays first meet a body, in its own axes: y up, the hole of a ring along z.
struct Hit {
  at::Tensor found;  ///< bool; the point means nothing where it is false
  Vectors point;     ///< from the body's centre
};

/// Meets rays from `origin` in the directions `direction` (of unit length) with a body about the
/// origin. What lies less than a millimetre from a ray's origin is not met.
Hit intersect(BodyShape shape, double size, const Vectors& origin, const Vectors& direction);

/// The outward normal at points of the surface, of unit length. The edges of cubes and cylinders
/// are bevelled.
Vectors normal_at(BodyShape shape, double size, const Vectors& point);

}  // namespace radial::video
