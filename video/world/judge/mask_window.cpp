#include "video/world/judge/mask_window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace radial::video {
namespace {

constexpr double kGap = 0.45, kGrowth = 0.5;  // in roots of the area
constexpr double kMostShine = 0.4;  // of the area: what has more around it stands on such ground
constexpr double kDegree = std::numbers::pi / 180;

/// Fills what is enclosed and small: highlights, not the hole of a ring.
void fill_small_holes(BodyMask& mask) {
  const int width = mask.width, height = mask.height;
  std::vector<std::uint8_t> outside(mask.inside.size());
  std::vector<int> hole;
  for (int start = 0; start < width * height; ++start) {
    if (mask.inside[static_cast<std::size_t>(start)] || outside[static_cast<std::size_t>(start)])
      continue;
    hole.assign(1, start);
    outside[static_cast<std::size_t>(start)] = 1;
    bool is_enclosed = true;
    for (std::size_t next = 0; next < hole.size(); ++next) {
      const int row = hole[next] / width, column = hole[next] % width;
      for (const auto& [dy, dx] : {std::array{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
        const int y = row + dy, x = column + dx;
        if (y < 0 || x < 0 || y >= height || x >= width) {
          is_enclosed = false;
          continue;
        }
        const auto i = static_cast<std::size_t>(y) * width + x;
        if (mask.inside[i] || outside[i]) continue;
        outside[i] = 1;
        hole.push_back(y * width + x);
      }
    }
    if (!is_enclosed || static_cast<int>(hole.size()) * 16 > mask.area) continue;
    for (const int i : hole) mask.inside[static_cast<std::size_t>(i)] = 1;
    mask.area += static_cast<int>(hole.size());
  }
}

}  // namespace

std::vector<Patch> patches_of(const std::vector<std::uint8_t>& paints, int height, int width,
                              int least_area) {
  std::vector<Patch> patches;
  std::vector<bool> is_seen(paints.size());
  for (std::size_t first = 0; first < paints.size(); ++first) {
    if (is_seen[first] || paints[first] == kNoPaint) continue;
    Patch patch{width, height, -1, -1, 0, paints[first], {static_cast<int>(first)}};
    is_seen[first] = true;
    for (std::size_t next = 0; next < patch.pixels.size(); ++next) {
      const int pixel = patch.pixels[next], row = pixel / width, column = pixel % width;
      patch.left = std::min(patch.left, column);
      patch.right = std::max(patch.right, column);
      patch.top = std::min(patch.top, row);
      patch.bottom = std::max(patch.bottom, row);
      const auto visit = [&](int neighbour) {
        const auto i = static_cast<std::size_t>(neighbour);
        if (is_seen[i] || paints[i] != patch.paint) return;
        is_seen[i] = true;
        patch.pixels.push_back(neighbour);
      };
      if (column > 0) visit(pixel - 1);
      if (column + 1 < width) visit(pixel + 1);
      if (row > 0) visit(pixel - width);
      if (row + 1 < height) visit(pixel + width);
    }
    patch.area = static_cast<int>(patch.pixels.size());
    if (patch.area >= least_area) patches.push_back(std::move(patch));
  }
  return patches;
}

MaskWindow::MaskWindow(const Patch& largest, const std::vector<HueAndSaturation>& hues, int height,
                       int width)
    : hues_(hues), width_(width), size_(std::sqrt(largest.area)), largest_(largest) {
  const int margin = static_cast<int>(0.8 * size_) + 3;
  left_ = std::max(0, largest.left - margin);
  top_ = std::max(0, largest.top - margin);
  columns_ = std::min(width, largest.right + margin + 1) - left_;
  rows_ = std::min(height, largest.bottom + margin + 1) - top_;
  inside_.assign(static_cast<std::size_t>(rows_) * columns_, 0);
  add(largest);
}

bool MaskWindow::is_near(const Patch& patch) const {
  const int gap = static_cast<int>(kGap * size_) + 1;
  const bool touches = patch.left <= largest_.right + gap && patch.right >= largest_.left - gap &&
                       patch.top <= largest_.bottom + gap && patch.bottom >= largest_.top - gap;
  return touches && patch.right - patch.left <= largest_.right - largest_.left + gap &&
         patch.bottom - patch.top <= largest_.bottom - largest_.top + gap;
}

void MaskWindow::add(const Patch& patch) {
  for (const int pixel : patch.pixels) set(pixel / width_ - top_, pixel % width_ - left_);
}

void MaskWindow::grow_into_highlights() {
  std::vector<float> values;
  double sine = 0, cosine = 0;
  for (const int pixel : largest_.pixels) {
    const HueAndSaturation& hue = hues_[static_cast<std::size_t>(pixel)];
    values.push_back(hue.value());
    sine += std::sin(hue.hue * kDegree);
    cosine += std::cos(hue.hue * kDegree);
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 6 / 10);
  std::nth_element(values.begin(), middle, values.end());
  float mean_hue = static_cast<float>(std::atan2(sine, cosine) / kDegree);
  if (mean_hue < 0) mean_hue += 360;
  // Sand and wood have the hue of warm paints; no ground has that of the others.
  const bool is_warm = largest_.paint <= static_cast<std::uint8_t>(BodyColor::kYellow);
  const Shine wide = is_warm ? Shine{20, 0.27F} : Shine{38, 0.18F};
  if (!grow(wide, mean_hue, *middle + 0.02F)) grow({15, 0.42F}, mean_hue, *middle + 0.02F);
}

void MaskWindow::close() {
  const int radius = std::max(1, static_cast<int>(std::lround(0.05 * size_)));
  const std::vector<std::uint8_t> dilated = spread(inside_, radius, 1);
  const std::vector<std::uint8_t> closed = spread(dilated, radius, 0);
  for (std::size_t i = 0; i < inside_.size(); ++i) {
    inside_[i] = static_cast<std::uint8_t>(inside_[i] | closed[i]);
  }
}

BodyMask MaskWindow::mask() const {
  int left = columns_, right = -1, top = rows_, bottom = -1;
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      if (!get(inside_, row, column)) continue;
      left = std::min(left, column);
      right = std::max(right, column);
      top = std::min(top, row);
      bottom = std::max(bottom, row);
    }
  }
  BodyMask mask{.left = left_ + left,
                .top = top_ + top,
                .width = right - left + 1,
                .height = bottom - top + 1,
                .inside = {}};
  for (int row = top; row <= bottom; ++row) {
    for (int column = left; column <= right; ++column) {
      mask.inside.push_back(get(inside_, row, column) ? 1 : 0);
      mask.area += mask.inside.back();
    }
  }
  fill_small_holes(mask);
  return mask;
}

bool MaskWindow::get(const std::vector<std::uint8_t>& cells, int row, int column) const {
  return row >= 0 && column >= 0 && row < rows_ && column < columns_ &&
         cells[static_cast<std::size_t>(row) * columns_ + column] != 0;
}

void MaskWindow::set(int row, int column) {
  if (row < 0 || column < 0 || row >= rows_ || column >= columns_) return;
  inside_[static_cast<std::size_t>(row) * columns_ + column] = 1;
}

// Adds what hangs together with the mask of pixels of at least this brightness and saturation, and
// a hue that is near. Adds nothing and returns false if there are more of them around than a
// highlight has: then the ground looks like one.
bool MaskWindow::grow(const Shine& shine, float hue, float least_value) {
  std::vector<std::uint8_t> is_shine(inside_.size());
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      if (get(inside_, row, column)) continue;
      const HueAndSaturation& pixel =
          hues_[static_cast<std::size_t>(top_ + row) * width_ + left_ + column];
      is_shine[static_cast<std::size_t>(row) * columns_ + column] =
          pixel.span > 0 && pixel.saturation > shine.saturation && pixel.value() >= least_value &&
          hue_distance(pixel.hue, hue) < shine.hue;
    }
  }
  const auto size = [](const std::vector<std::uint8_t>& cells) {
    return static_cast<double>(std::count(cells.begin(), cells.end(), 1));
  };
  if (size(is_shine) > kMostShine * size(inside_)) return false;
  for (int step = static_cast<int>(kGrowth * size_); step > 0; --step) {
    const std::vector<std::uint8_t> before = inside_;
    for (int row = 0; row < rows_; ++row) {
      for (int column = 0; column < columns_; ++column) {
        const bool is_edge = get(before, row - 1, column) || get(before, row + 1, column) ||
                             get(before, row, column - 1) || get(before, row, column + 1);
        if (is_edge && get(is_shine, row, column)) set(row, column);
      }
    }
  }
  return true;
}

// Each cell becomes `value` if one within `radius` rows and columns has it.
std::vector<std::uint8_t> MaskWindow::spread(const std::vector<std::uint8_t>& cells, int radius,
                                             std::uint8_t value) const {
  std::vector<std::uint8_t> rows = cells, result;
  for (int row = 0; row < rows_; ++row) {
    for (int column = 0; column < columns_; ++column) {
      for (int x = std::max(0, column - radius); x <= std::min(columns_ - 1, column + radius); ++x)
        if (cells[static_cast<std::size_t>(row) * columns_ + x] == value)
          rows[static_cast<std::size_t>(row) * columns_ + column] = value;
    }
  }
  result = rows;
  for (int row = 0; row < rows_; ++row) {
    for (int y = std::max(0, row - radius); y <= std::min(rows_ - 1, row + radius); ++y) {
      for (int column = 0; column < columns_; ++column)
        if (rows[static_cast<std::size_t>(y) * columns_ + column] == value)
          result[static_cast<std::size_t>(row) * columns_ + column] = value;
    }
  }
  return result;
}

}  // namespace radial::video
