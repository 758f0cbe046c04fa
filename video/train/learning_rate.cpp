#include "video/train/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "radial/base/error.h"

namespace radial::video {

void LearningRate::check() const {
  RADIAL_REQUIRE(peak > 0, "learning rate: expected a positive number, got ", peak);
  RADIAL_REQUIRE(final_ratio >= 0 && final_ratio <= 1,
                 "final_ratio: expected a number in [0, 1], got ", final_ratio);
  RADIAL_REQUIRE(warmup_steps >= 0 && total_steps > warmup_steps, "total_steps: expected more than",
                 " the ", warmup_steps, " of the warm-up, got ", total_steps);
}

double LearningRate::at(std::int64_t step) const {
  if (step < warmup_steps) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  const double progress = std::min(1.0, static_cast<double>(step - warmup_steps) /
                                            static_cast<double>(total_steps - warmup_steps));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return peak * (final_ratio + (1 - final_ratio) * cosine);
}

double LearningRate::at(std::int64_t step, double progress) const {
  const double warmth =
      warmup_steps > 0
          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_steps))
          : 1.0;
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
  return peak * warmth * (final_ratio + (1 - final_ratio) * cosine);
}

}  // namespace radial::video
