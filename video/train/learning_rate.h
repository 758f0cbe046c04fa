#pragma once

#include <cstdint>

namespace radial::video {

/// Linear warm-up, then half a cosine down to a part of the peak.
struct LearningRate {
  double peak = 3e-4;
  std::int64_t warmup_steps = 100;
  std::int64_t total_steps = 10000;  ///< with the warm-up; the rate stays at its last value after
  double final_ratio = 0.1;          ///< of the peak, at the end

  /// Throws InvalidArgument for a rate that is not positive, a ratio outside [0, 1] or fewer steps
  /// in all than in the warm-up.
  void check() const;
  /// Of step 0, 1, ...
  double at(std::int64_t step) const;
  /// The same for a run whose number of steps is open (its time is not): the cosine follows
  /// `progress`, from 0 at the beginning to 1 at the end; `total_steps` means nothing.
  double at(std::int64_t step, double progress) const;
};

}  // namespace radial::video
