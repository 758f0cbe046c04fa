#include "video/world/body_surface.h"

#include <ATen/Functions.h>

namespace radial::video {
namespace {

// Sizes in units of Body::size; the outlines of bounding_radius and of the height a body rests at.
constexpr double kCubeHalf = 0.8;
constexpr double kConeHalf = 0.9, kConeRadius = 0.85;
constexpr double kCylinderHalf = 0.95, kCylinderRadius = 0.61;
constexpr double kRingRadius = 0.71, kRingThickness = 0.27;
constexpr double kBevel = 0.12;
constexpr double kNearest = 1e-3;
constexpr double kNever = 1e6;
constexpr int kTraceSteps = 20;

at::Tensor squared(const at::Tensor& value) { return value * value; }

at::Tensor root(const at::Tensor& value) { return value.clamp_min(0).sqrt(); }

// Not zero, so that one may divide by it.
at::Tensor apart_from_zero(const at::Tensor& value) {
  return at::where(value < 0, value.clamp_max(-1e-6), value.clamp_min(1e-6));
}

/// A ray whose zero is its point nearest to the body's centre, so that squares stay small.
struct Ray {
  Vectors start, direction;
  at::Tensor nearest;  ///< what lies before it is not met

  Vectors at(const at::Tensor& way) const {
    return {start.x + direction.x * way, start.y + direction.y * way, start.z + direction.z * way};
  }
};

struct Interval {
  at::Tensor enter, leave;
};

// Between two planes across `axis`, `half` from the centre.
Interval slab(const at::Tensor& start, const at::Tensor& direction, double half) {
  const at::Tensor inverse = 1 / apart_from_zero(direction);
  const at::Tensor middle = -start * inverse, reach = (inverse * half).abs();
  return {middle - reach, middle + reach};
}

Interval common(const Interval& a, const Interval& b) {
  return {at::maximum(a.enter, b.enter), at::minimum(a.leave, b.leave)};
}

// The first point of a convex body.
Hit first_of(const Ray& ray, const Interval& inside) {
  const at::Tensor way = at::where(inside.enter > ray.nearest, inside.enter, inside.leave);
  return {(inside.enter <= inside.leave).logical_and(way > ray.nearest), ray.at(way)};
}

Hit meet_ball(const Ray& ray, double radius) {
  const at::Tensor depth = radius * radius - dot(ray.start, ray.start);
  const at::Tensor half = root(depth);
  Hit hit = first_of(ray, {-half, half});
  hit.found = hit.found.logical_and(depth > 0);
  return hit;
}

Hit meet_cube(const Ray& ray, double half) {
  const Interval x = slab(ray.start.x, ray.direction.x, half);
  const Interval y = slab(ray.start.y, ray.direction.y, half);
  const Interval z = slab(ray.start.z, ray.direction.z, half);
  return first_of(ray, common(common(x, y), z));
}

Hit meet_cylinder(const Ray& ray, double half, double radius) {
  const at::Tensor a = (squared(ray.direction.x) + squared(ray.direction.z)).clamp_min(1e-8);
  const at::Tensor b = ray.start.x * ray.direction.x + ray.start.z * ray.direction.z;
  const at::Tensor c = squared(ray.start.x) + squared(ray.start.z) - radius * radius;
  const at::Tensor inner = b * b - a * c, reach = root(inner);
  const Interval round{(-b - reach) / a, (-b + reach) / a};
  Hit hit = first_of(ray, common(round, slab(ray.start.y, ray.direction.y, half)));
  hit.found = hit.found.logical_and(inner > 0);
  return hit;
}

Hit meet_cone(const Ray& ray, double half, double radius) {
  const double slope = radius / (2 * half), slope2 = slope * slope;
  const at::Tensor below = half - ray.start.y;  // of the tip
  const at::Tensor a = apart_from_zero(squared(ray.direction.x) + squared(ray.direction.z) -
                                       squared(ray.direction.y) * slope2);
  const at::Tensor b = ray.start.x * ray.direction.x + ray.start.z * ray.direction.z +
                       below * ray.direction.y * slope2;
  const at::Tensor c = squared(ray.start.x) + squared(ray.start.z) - squared(below) * slope2;
  const at::Tensor inner = b * b - a * c, reach = root(inner);
  const auto on_side = [&](const at::Tensor& way) {
    const at::Tensor height = ray.start.y + ray.direction.y * way;
    const at::Tensor valid =
        (height.abs() <= half).logical_and(inner > 0).logical_and(way > ray.nearest);
    return at::where(valid, way, kNever);
  };
  at::Tensor way = at::minimum(on_side((-b - reach) / a), on_side((-b + reach) / a));
  const at::Tensor base = (-half - ray.start.y) / apart_from_zero(ray.direction.y);
  const Vectors foot = ray.at(base);
  const at::Tensor on_base =
      (squared(foot.x) + squared(foot.z) <= radius * radius).logical_and(base > ray.nearest);
  way = at::minimum(way, at::where(on_base, base, kNever));
  return {way < kNever, ray.at(way)};
}

// By steps as long as the distance from the surface.
Hit meet_ring(const Ray& ray, double radius, double thickness) {
  const double bound = radius + thickness;
  const at::Tensor depth = bound * bound - dot(ray.start, ray.start);
  at::Tensor way = at::maximum(-root(depth), ray.nearest);
  at::Tensor distance;
  for (int step = 0; step < kTraceSteps; ++step) {
    const Vectors p = ray.at(way);
    const at::Tensor outside = root(squared(p.x) + squared(p.y)) - radius;
    distance = root(squared(outside) + squared(p.z)) - thickness;
    way = way + distance;
  }
  return {(distance < 0.02 * thickness).logical_and(depth > 0), ray.at(way)};
}

Vectors scaled(const Vectors& v, const at::Tensor& factor) {
  return {v.x * factor, v.y * factor, v.z * factor};
}

Vectors unit(const Vectors& v) { return scaled(v, 1 / root(dot(v, v)).clamp_min(1e-9)); }

at::Tensor beyond(const at::Tensor& value, double inner) {
  return at::where(value < 0, (value + inner).clamp_max(0), (value - inner).clamp_min(0));
}

Vectors cylinder_normal(const Vectors& p, double half, double radius, double bevel) {
  const at::Tensor across = root(squared(p.x) + squared(p.z)).clamp_min(1e-9);
  const at::Tensor outward = beyond(across, radius - bevel) / across;
  return unit({p.x * outward, beyond(p.y, half - bevel), p.z * outward});
}

Vectors cone_normal(const Vectors& p, double half, double radius) {
  const at::Tensor across = root(squared(p.x) + squared(p.z)).clamp_min(1e-9);
  const Vectors side =
      unit({p.x / across, at::full_like(across, radius / (2 * half)), p.z / across});
  const at::Tensor base = p.y < -0.999 * half;
  return {at::where(base, 0., side.x), at::where(base, -1., side.y), at::where(base, 0., side.z)};
}

Vectors ring_normal(const Vectors& p, double radius) {
  const at::Tensor across = root(squared(p.x) + squared(p.y)).clamp_min(1e-9);
  const at::Tensor factor = 1 - radius / across;
  return unit({p.x * factor, p.y * factor, p.z});
}

}  // namespace

Hit intersect(BodyShape shape, double size, const Vectors& origin, const Vectors& direction) {
  const at::Tensor nearest_centre = -dot(origin, direction);
  const Ray from_origin{origin, direction, {}};
  const Ray ray{from_origin.at(nearest_centre), direction, kNearest - nearest_centre};
  switch (shape) {
    case BodyShape::kBall:
      return meet_ball(ray, size);
    case BodyShape::kCube:
      return meet_cube(ray, kCubeHalf * size);
    case BodyShape::kCone:
      return meet_cone(ray, kConeHalf * size, kConeRadius * size);
    case BodyShape::kCylinder:
      return meet_cylinder(ray, kCylinderHalf * size, kCylinderRadius * size);
    case BodyShape::kRing:
      break;
  }
  return meet_ring(ray, kRingRadius * size, kRingThickness * size);
}

Vectors normal_at(BodyShape shape, double size, const Vectors& point) {
  const double bevel = kBevel * size;
  switch (shape) {
    case BodyShape::kBall:
      return unit(point);
    case BodyShape::kCube: {
      const double inner = kCubeHalf * size - bevel;
      return unit({beyond(point.x, inner), beyond(point.y, inner), beyond(point.z, inner)});
    }
    case BodyShape::kCone:
      return cone_normal(point, kConeHalf * size, kConeRadius * size);
    case BodyShape::kCylinder:
      return cylinder_normal(point, kCylinderHalf * size, kCylinderRadius * size, bevel);
    case BodyShape::kRing:
      break;
  }
  return ring_normal(point, kRingRadius * size);
}

}  // namespace radial::video
