#include "video/world/judge/color_masks.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "video/world/judge/mask_window.h"
#include "video/world/judge/paint_table.h"

namespace radial::video {
namespace {

constexpr double kLeastContrast = 0.1;

bool is_near(const BodyMask& a, const BodyMask& b, int distance) {
  return a.left - distance < b.left + b.width && b.left - distance < a.left + a.width &&
         a.top - distance < b.top + b.height && b.top - distance < a.top + a.height;
}

/// How far the colour of a patch is from that around it, brightness apart.
double contrast_of(const ClipPixels& clip, int frame, const BodyMask& mask) {
  constexpr int kGap = 3, kBand = 4;  // the edge itself is neither
  std::array<double, 3> inner{}, outer{};
  double num_inner = 0, num_outer = 0;
  const int reach = kGap + kBand;
  for (int y = std::max(0, mask.top - reach);
       y < std::min(clip.height, mask.top + mask.height + reach); ++y) {
    for (int x = std::max(0, mask.left - reach);
         x < std::min(clip.width, mask.left + mask.width + reach); ++x) {
      const int row = y - mask.top, column = x - mask.left;
      const bool is_inner = mask.at(row, column);
      const bool is_near = mask.at(row - kGap, column) || mask.at(row + kGap, column) ||
                           mask.at(row, column - kGap) || mask.at(row, column + kGap);
      if (!is_inner && is_near) continue;
      auto& sums = is_inner ? inner : outer;
      for (int channel = 0; channel < 3; ++channel) {
        sums[static_cast<std::size_t>(channel)] +=
            clip.plane(frame, channel)[static_cast<std::size_t>(y) * clip.width + x];
      }
      (is_inner ? num_inner : num_outer) += 1;
    }
  }
  if (num_inner == 0 || num_outer == 0) return 0;
  std::array<double, 3> apart{};
  for (std::size_t i = 0; i < 3; ++i) apart[i] = inner[i] / num_inner - outer[i] / num_outer;
  const double mean = (apart[0] + apart[1] + apart[2]) / 3;
  double sum = 0;
  for (const double part : apart) sum += (part - mean) * (part - mean);
  return std::sqrt(sum);
}

// A small patch within a body whose hue is next to it: light that shines on it in its own colour.
void drop_tinted_highlights(FrameMasks& masks) {
  constexpr int kMargin = 2;
  for (std::size_t i = 0; i < masks.size(); ++i) {
    for (const std::size_t step : {std::size_t{1}, masks.size() - 1}) {
      const auto& large = masks[(i + step) % masks.size()];
      if (!masks[i] || !large || masks[i]->area * 3 > large->area) continue;
      const BodyMask& small = *masks[i];
      const bool is_within = small.left >= large->left - kMargin &&
                             small.top >= large->top - kMargin &&
                             small.left + small.width <= large->left + large->width + kMargin &&
                             small.top + small.height <= large->top + large->height + kMargin;
      if (is_within) masks[i].reset();
    }
  }
}

}  // namespace

std::vector<FrameMasks> find_bodies(const ClipPixels& clip, const CameraPath& camera) {
  const int side = std::min(clip.height, clip.width);
  const int least_area = std::max(12, side * side / 1000);
  const PaintTable table(clip, camera);
  std::vector<FrameMasks> frames;
  for (int frame = 0; frame < clip.num_frames; ++frame) {
    FrameMasks masks(kNumColors);
    const double horizon = horizon_row(clip, camera.poses[static_cast<std::size_t>(frame)]);
    const std::vector<HueAndSaturation> hues = hues_of(clip, frame);
    std::vector<std::uint8_t> paints;
    for (const HueAndSaturation& pixel : hues) paints.push_back(table.paint_of(pixel));
    const int highest = std::clamp(static_cast<int>(horizon - 0.2 * side), 0, clip.height);
    std::fill_n(paints.begin(), static_cast<std::size_t>(highest) * clip.width, kNoPaint);
    std::vector<Patch> patches = patches_of(paints, clip.height, clip.width, 4);
    std::sort(patches.begin(), patches.end(),
              [](const Patch& a, const Patch& b) { return a.area > b.area; });
    for (const Patch& patch : patches) {
      if (patch.area < least_area) break;
      auto& mask = masks[patch.paint];
      if (mask || patch.bottom < horizon + 0.01 * side) continue;
      MaskWindow window(patch, hues, clip.height, clip.width);
      for (const Patch& other : patches) {
        if (other.paint == patch.paint && window.is_near(other)) window.add(other);
      }
      window.grow_into_highlights();
      window.close();
      BodyMask found = window.mask();
      if (contrast_of(clip, frame, found) >= kLeastContrast) mask = std::move(found);
    }
    drop_tinted_highlights(masks);
    for (std::size_t i = 0; i < masks.size(); ++i) {
      if (!masks[i]) continue;
      BodyMask& mask = *masks[i];
      mask.is_free = mask.left > 1 && mask.top > 1 && mask.left + mask.width < clip.width - 1 &&
                     mask.top + mask.height < clip.height - 1;
      for (std::size_t j = 0; j < masks.size(); ++j) {
        if (i != j && masks[j] && is_near(mask, *masks[j], side / 64)) mask.is_free = false;
      }
    }
    frames.push_back(std::move(masks));
  }
  return frames;
}

}  // namespace radial::video
