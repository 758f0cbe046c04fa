#include "output/image.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "output/bitmap_font.h"

namespace radial::tools {

Color mixed(Color under, Color over, double share) {
  const auto mix = [share](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(std::lround(a + (b - a) * share));
  };
  return {mix(under.red, over.red), mix(under.green, over.green), mix(under.blue, over.blue)};
}

Image::Image(int width, int height, Color background)
    : width_(width), height_(height), pixels_(std::size_t{3} * width * height) {
  fill({0, 0, width, height}, background);
}

Color Image::at(int x, int y) const {
  const std::uint8_t* pixel = &pixels_[(std::size_t(y) * width_ + x) * 3];
  return {pixel[0], pixel[1], pixel[2]};
}

void Image::set(int x, int y, Color color) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  std::uint8_t* pixel = &pixels_[(std::size_t(y) * width_ + x) * 3];
  pixel[0] = color.red;
  pixel[1] = color.green;
  pixel[2] = color.blue;
}

void Image::fill(const Rectangle& area, Color color) {
  for (int y = std::max(area.y, 0); y < std::min(area.y + area.height, height_); ++y) {
    for (int x = std::max(area.x, 0); x < std::min(area.x + area.width, width_); ++x)
      set(x, y, color);
  }
}

void Image::outline(const Rectangle& area, Color color) {
  fill({area.x - 1, area.y - 1, area.width + 2, 1}, color);
  fill({area.x - 1, area.y + area.height, area.width + 2, 1}, color);
  fill({area.x - 1, area.y, 1, area.height}, color);
  fill({area.x + area.width, area.y, 1, area.height}, color);
}

void Image::text(int x, int y, std::string_view text, Color color, int scale) {
  for (const char c : text) {
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        if (glyph_pixel(c, row, column)) {
          fill({x + column * scale, y + row * scale, scale, scale}, color);
        }
      }
    }
    x += kGlyphAdvance * scale;
  }
}

}  // namespace radial::tools
