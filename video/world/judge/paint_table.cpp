#include "video/world/judge/paint_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace radial::video {
namespace {

/// What a paint's hue is in white light, in degrees, and the least saturation of what is painted.
struct Paint {
  float hue, saturation;
};
constexpr std::array<Paint, kNumColors> kPaints{{{1, 0.62F},
                                                 {30, 0.70F},
                                                 {53, 0.66F},
                                                 {124, 0.62F},
                                                 {184, 0.58F},
                                                 {231, 0.62F},
                                                 {275, 0.52F},
                                                 {333, 0.36F}}};
constexpr float kLeastSpan = 0.08F;  // of the channels: what is darker has no hue to speak of

constexpr int kFrameStep = 4;           // every fourth frame is counted
constexpr double kLargestShare = 0.18;  // of a picture: the nearest body, zoomed in
constexpr int kApart = 8;               // bins between two bodies' hues, at least

HueAndSaturation hue_and_saturation(float red, float green, float blue) {
  const float high = std::max({red, green, blue}), low = std::min({red, green, blue});
  const float span = high - low;
  if (span < kLeastSpan) return {};
  float hue = 0;
  if (high == red) {
    hue = 60 * (green - blue) / span;
  } else if (high == green) {
    hue = 120 + 60 * (blue - red) / span;
  } else {
    hue = 240 + 60 * (red - green) / span;
  }
  return {hue < 0 ? hue + 360 : hue, span / high, span};
}

std::uint8_t paint_of_hue(float hue) {
  std::uint8_t nearest = 0;
  for (std::uint8_t i = 1; i < kPaints.size(); ++i) {
    if (hue_distance(hue, kPaints[i].hue) < hue_distance(hue, kPaints[nearest].hue)) nearest = i;
  }
  return nearest;
}

/// The mean over 3 x 3 pixels.
std::vector<float> smoothed(const float* plane, int height, int width) {
  std::vector<float> rows(static_cast<std::size_t>(height) * width), result(rows.size());
  for (int y = 0; y < height; ++y) {
    const float *const middle = plane + static_cast<std::size_t>(y) * width,
                       *const above = y > 0 ? middle - width : middle,
                       *const below = y + 1 < height ? middle + width : middle;
    float* const to = rows.data() + static_cast<std::size_t>(y) * width;
    for (int x = 0; x < width; ++x) to[x] = (above[x] + middle[x] + below[x]) * (1 / 3.0F);
  }
  for (int y = 0; y < height; ++y) {
    const float* const from = rows.data() + static_cast<std::size_t>(y) * width;
    float* const to = result.data() + static_cast<std::size_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      const float left = from[std::max(x - 1, 0)], right = from[std::min(x + 1, width - 1)];
      to[x] = (left + from[x] + right) * (1 / 3.0F);
    }
  }
  return result;
}

int bin_distance(int a, int b, int num_bins) {
  const int apart = std::abs(a - b);
  return std::min(apart, num_bins - apart);
}

}  // namespace

float hue_distance(float a, float b) {
  const float apart = std::abs(a - b);
  return std::min(apart, 360 - apart);
}

std::vector<HueAndSaturation> hues_of(const ClipPixels& clip, int frame) {
  std::array<std::vector<float>, 3> smooth;
  for (int channel = 0; channel < 3; ++channel) {
    smooth[static_cast<std::size_t>(channel)] =
        smoothed(clip.plane(frame, channel), clip.height, clip.width);
  }
  std::vector<HueAndSaturation> hues(clip.num_pixels());
  for (std::size_t i = 0; i < hues.size(); ++i) {
    hues[i] = hue_and_saturation(smooth[0][i], smooth[1][i], smooth[2][i]);
  }
  return hues;
}

PaintTable::PaintTable(const ClipPixels& clip, const CameraPath& camera) {
  count(clip, camera);
  raise_saturations();
  find_clusters();
}

std::uint8_t PaintTable::paint_of(const HueAndSaturation& pixel) const {
  if (pixel.span == 0) return kNoPaint;
  const std::uint8_t paint = paints_[bin_of(pixel.hue)];
  return paint != kNoPaint && pixel.saturation >= saturations_[paint] ? paint : kNoPaint;
}

std::size_t PaintTable::bin_of(float hue) {
  return std::min<std::size_t>(static_cast<std::size_t>(hue / 2), kHueBins - 1);
}

void PaintTable::count(const ClipPixels& clip, const CameraPath& camera) {
  counts_.assign(std::size_t{kHueBins} * kSaturationBins, 0);
  for (int frame = 0; frame < clip.num_frames; frame += kFrameStep) {
    const auto hues = hues_of(clip, frame);
    const double horizon = horizon_row(clip, camera.poses[static_cast<std::size_t>(frame)]);
    const int first = std::clamp(static_cast<int>(horizon), 0, clip.height);
    for (std::size_t i = static_cast<std::size_t>(first) * clip.width; i < hues.size(); ++i) {
      if (hues[i].span == 0) continue;
      const auto saturation = static_cast<std::size_t>(hues[i].saturation * (kSaturationBins - 1));
      counts_[bin_of(hues[i].hue) * kSaturationBins + saturation] += 1;
    }
    num_pixels_ += static_cast<double>(clip.num_pixels());
  }
}

void PaintTable::raise_saturations() {
  for (std::size_t paint = 0; paint < kPaints.size(); ++paint) {
    double sum = 0;
    int level = kSaturationBins - 1;
    const int lowest = static_cast<int>(kPaints[paint].saturation * (kSaturationBins - 1));
    for (; level >= lowest; --level) {
      for (int bin = 0; bin < kHueBins; ++bin) {
        if (paint_of_hue(2.0F * static_cast<float>(bin) + 1) != paint) continue;
        sum += counts_[static_cast<std::size_t>(bin) * kSaturationBins +
                       static_cast<std::size_t>(level)];
      }
      if (sum > kLargestShare * num_pixels_) break;
    }
    saturations_[paint] = static_cast<float>(level + 1) / (kSaturationBins - 1);
  }
}

void PaintTable::find_clusters() {
  std::array<double, kHueBins> sums{}, smooth{};
  for (int bin = 0; bin < kHueBins; ++bin) {
    const std::uint8_t paint = paint_of_hue(2.0F * static_cast<float>(bin) + 1);
    const int lowest = static_cast<int>(saturations_[paint] * (kSaturationBins - 1));
    for (int level = lowest; level < kSaturationBins; ++level) {
      sums[static_cast<std::size_t>(bin)] +=
          counts_[static_cast<std::size_t>(bin * kSaturationBins + level)];
    }
  }
  for (int bin = 0; bin < kHueBins; ++bin) {
    for (int offset = -4; offset <= 4; ++offset) {
      smooth[static_cast<std::size_t>(bin)] +=
          sums[static_cast<std::size_t>((bin + offset + kHueBins) % kHueBins)] *
          std::exp(-offset * offset / 6.0);
    }
  }
  paints_.fill(kNoPaint);
  std::vector<int> peaks;
  std::vector<int> order(kHueBins);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&smooth](int a, int b) {
    return smooth[static_cast<std::size_t>(a)] > smooth[static_cast<std::size_t>(b)];
  });
  for (const int bin : order) {
    const auto height_at = [&smooth](int at) {
      return smooth[static_cast<std::size_t>((at + kHueBins) % kHueBins)];
    };
    if (height_at(bin) <= 0) break;
    if (height_at(bin) < height_at(bin - 1) || height_at(bin) < height_at(bin + 1)) continue;
    const bool is_peak = std::none_of(peaks.begin(), peaks.end(), [bin](int peak) {
      return bin_distance(bin, peak, kHueBins) < kApart;
    });
    if (is_peak) peaks.push_back(bin);
  }
  for (int bin = 0; bin < kHueBins; ++bin) {
    const auto nearest = std::min_element(peaks.begin(), peaks.end(), [bin](int a, int b) {
      return bin_distance(bin, a, kHueBins) < bin_distance(bin, b, kHueBins);
    });
    if (nearest == peaks.end() || bin_distance(bin, *nearest, kHueBins) > kApart) continue;
    paints_[static_cast<std::size_t>(bin)] = paint_of_hue(2.0F * static_cast<float>(*nearest) + 1);
  }
}

}  // namespace radial::video
