#pragma once

#include "attention/cpu/packing.h"

namespace radial::cpu {
namespace {

/// Brings what the following step reads from memory into the second cache, evenly spread over the
/// present step: else the first rows of that step would wait for memory and the others not.
template <int kMaxRanges>
class Prefetcher {
 public:
  void push(const void* begin, std::int64_t bytes) {
    if (bytes <= 0) return;
    ranges_[num_ranges_++] = {static_cast<const char*>(begin), bytes};
    lines_ += (bytes + kLine - 1) / kLine;
  }
  /// Some rows of panels "along" of `head_dim` columns.
  void push(const AlongPanels& panels, int rows, int head_dim) {
    for (int column = 0; column < head_dim; column += kPanel) {
      push(panel_of(panels, column, kPanel), std::int64_t{rows} / kPairs * kPanel * kUnitBytes);
    }
  }

  /// What is due when `part` of `parts` of the present step's work is done.
  RADIAL_ALWAYS_INLINE void run_to(std::int64_t part, std::int64_t parts) {
    const std::int64_t due = lines_ * part / parts;
    for (; done_ < due; ++done_) {
      const Range& range = ranges_[range_];
      __builtin_prefetch(range.begin + place_, 0, 2);
      place_ += kLine;
      if (place_ >= range.bytes) {
        ++range_;
        place_ = 0;
      }
    }
  }

  static constexpr std::int64_t kUnitBytes = sizeof(Unit);

 private:
  static constexpr std::int64_t kLine = 64;  // bytes

  struct Range {
    const char* begin;
    std::int64_t bytes;
  };
  Range ranges_[kMaxRanges];
  int num_ranges_ = 0;
  int range_ = 0;
  std::int64_t lines_ = 0, done_ = 0, place_ = 0;
};

}  // namespace
}  // namespace radial::cpu
