#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "mask/mask_rule.h"

namespace radial {

/// Smallest power of two strictly above `tokens_per_frame`: 3600 and 3840 give 4096, 4096 gives
/// 8192.
constexpr std::int64_t power_above(std::int64_t tokens_per_frame) {
  return std::int64_t{1} << std::bit_width(static_cast<std::uint64_t>(tokens_per_frame));
}
static_assert(power_above(1560) == 2048 && power_above(3840) == 4096 && power_above(4096) == 8192);

/// L(d): the band length of the released code, power_above(s) halved once for each bit of d.
inline double band_length(std::int64_t tokens_per_frame, std::int32_t distance) {
  return std::ldexp(static_cast<double>(power_above(tokens_per_frame)),
                    -static_cast<int>(std::bit_width(static_cast<std::uint32_t>(distance))));
}

/// The whole tokens of a band's width. A factor without bound makes widths that no integer holds;
/// beyond this limit a band is wider than any frame.
inline std::int64_t whole_tokens(double width) {
  constexpr double kWiderThanAnyFrame = 0x1p33;
  return static_cast<std::int64_t>(std::floor(std::min(width, kWiderThanAnyFrame)));
}

/// Which distances thinning leaves: those whose band length is at least `threshold`, of the others
/// every (threshold / L)-th.
class Thinning {
 public:
  Thinning(std::int64_t tokens_per_frame, std::int32_t threshold, bool on)
      : tokens_per_frame_(tokens_per_frame), threshold_(threshold), on_(on) {}

  bool keeps(std::int32_t distance) const { return distance % modulus(distance) == 0; }

  /// Smallest kept distance >= `distance`, or MaskRule::kNoDistance.
  std::int32_t next(std::int32_t distance) const {
    std::int64_t candidate = distance;
    while (candidate < MaskRule::kNoDistance) {
      const std::int64_t step = modulus(static_cast<std::int32_t>(candidate));
      const std::int64_t multiple = (candidate + step - 1) / step * step;
      // The step holds for all distances with as many bits.
      const std::int64_t octave_end = std::int64_t{1}
                                      << std::bit_width(static_cast<std::uint64_t>(candidate));
      if (multiple < octave_end || candidate == 0) return static_cast<std::int32_t>(multiple);
      candidate = octave_end;
    }
    return MaskRule::kNoDistance;
  }

 private:
  std::int64_t modulus(std::int32_t distance) const {
    const double length = band_length(tokens_per_frame_, distance);
    if (!on_ || length >= threshold_) return 1;
    return static_cast<std::int64_t>(std::floor(threshold_ / length));
  }

  std::int64_t tokens_per_frame_;
  std::int32_t threshold_;
  bool on_;
};

/// Decay factors from one that leaves every band at its floor to one that makes all bands whole.
inline void set_decay_density(const VideoLayout& layout, MaskOptions& options, double t) {
  constexpr double kNarrowest = 1e-4;
  const double widest = 8.0 * layout.frames;
  options.decay_factor = kNarrowest * std::pow(widest / kNarrowest, t);
}

}  // namespace radial
