#pragma once

#include <cstdint>
#include <vector>

#include "video/world/judge/color_masks.h"
#include "video/world/judge/paint_table.h"

namespace radial::video {

/// Pixels that hang together.
struct Patch {
  int left, top, right, bottom, area;
  std::uint8_t paint;
  std::vector<int> pixels;
};

/// The patches of at least `least_area` pixels among the paints [height][width] of a frame.
std::vector<Patch> patches_of(const std::vector<std::uint8_t>& paints, int height, int width,
                              int least_area);

/// From the patches of one paint to a body's silhouette, in a window around the largest patch.
class MaskWindow {
 public:
  MaskWindow(const Patch& largest, const std::vector<HueAndSaturation>& hues, int height,
             int width);

  /// Whether a patch could be another part of the same body.
  bool is_near(const Patch& patch) const;
  void add(const Patch& patch);
  /// Highlights keep the hue and are brighter than most of the body, but less saturated.
  void grow_into_highlights();
  /// Dilation by a square, then erosion.
  void close();
  BodyMask mask() const;

 private:
  struct Shine {
    float hue, saturation;  ///< how far away, and how much at least
  };

  bool get(const std::vector<std::uint8_t>& cells, int row, int column) const;
  void set(int row, int column);
  bool grow(const Shine& shine, float hue, float least_value);
  std::vector<std::uint8_t> spread(const std::vector<std::uint8_t>& cells, int radius,
                                   std::uint8_t value) const;

  const std::vector<HueAndSaturation>& hues_;
  int width_, left_ = 0, top_ = 0, rows_ = 0, columns_ = 0;
  double size_;
  const Patch& largest_;
  std::vector<std::uint8_t> inside_;
};

}  // namespace radial::video
