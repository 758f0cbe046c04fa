#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "video/world/judge/camera_path.h"
#include "video/world/judge/clip_pixels.h"
#include "video/world/scene.h"

namespace radial::video {

/// Stands for no paint where else a BodyColor stands.
inline constexpr std::uint8_t kNoPaint = 255;

/// Of one pixel; all 0 where the channels are too near each other for a hue.
struct HueAndSaturation {
  float hue = 0;  ///< in degrees
  float saturation = 0;
  float span = 0;  ///< of the channels

  float value() const { return saturation > 0 ? span / saturation : 0; }  ///< the brightest channel
};

/// Degrees between two hues, the shorter way around.
float hue_distance(float a, float b);

/// Of every pixel of a frame, over whose 3 x 3 neighbours it is averaged.
std::vector<HueAndSaturation> hues_of(const ClipPixels& clip, int frame);

/// Which paint a pixel shows, as learnt from the whole clip: bodies are peaks of the histogram of
/// hues below the horizon, and a paint that covers more than a body can is ground, so that only
/// what is more saturated counts.
class PaintTable {
 public:
  PaintTable(const ClipPixels& clip, const CameraPath& camera);

  std::uint8_t paint_of(const HueAndSaturation& pixel) const;

 private:
  static constexpr int kHueBins = 180, kSaturationBins = 100;

  static std::size_t bin_of(float hue);
  void count(const ClipPixels& clip, const CameraPath& camera);
  void raise_saturations();
  void find_clusters();

  std::vector<double> counts_;  // [hue][saturation]
  double num_pixels_ = 0;
  std::array<float, kNumColors> saturations_{};
  std::array<std::uint8_t, kHueBins> paints_{};
};

}  // namespace radial::video
