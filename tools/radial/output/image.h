#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace radial::tools {

struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Color&, const Color&) = default;
};

/// `share` of `over` on top of `under`, share in [0, 1].
Color mixed(Color under, Color over, double share);

struct Rectangle {
  int x = 0, y = 0, width = 0, height = 0;
};

/// A picture in memory; (0, 0) is the upper left corner. What falls outside is not drawn.
class Image {
 public:
  Image(int width, int height, Color background);

  int width() const { return width_; }
  int height() const { return height_; }
  Color at(int x, int y) const;
  void set(int x, int y, Color color);
  void fill(const Rectangle& area, Color color);
  /// A line of one pixel just outside `area`.
  void outline(const Rectangle& area, Color color);
  /// Draws `text` with its upper left corner at (x, y), every font pixel `scale` wide.
  void text(int x, int y, std::string_view text, Color color, int scale = 2);

  const std::uint8_t* pixels() const { return pixels_.data(); }  // [height, width, 3]

 private:
  int width_, height_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace radial::tools
