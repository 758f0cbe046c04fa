#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "video/sampling/noise_schedule.h"

namespace radial::video {

/// Some of N places in a row (layers of a model, steps of a run), written before N is known:
///   "2"             the first two
///   "first:2"       the same
///   "last:2"        the last two
///   "0-1,5,47-49"   these places, counted from 0, ends included
///   "noise:0.9-1"   the steps whose noise level lies in this range, ends included
class PlaceSet {
 public:
  /// None.
  PlaceSet() = default;
  /// Throws InvalidArgument, naming `argument`, on text of no such form.
  PlaceSet(std::string_view argument, std::string_view text);

  /// Which of `count` places are in the set. Throws InvalidArgument, naming the argument, if a
  /// place named is not among them or the set is one of noise levels.
  std::vector<bool> resolve(int count) const;
  /// Which steps of `schedule` are in the set.
  std::vector<bool> resolve(const NoiseSchedule& schedule) const;

  const std::string& text() const { return text_; }

 private:
  struct Range {
    std::int64_t first = 0, last = 0;
  };

  bool parse_counted(std::string_view text);
  bool parse_noise(std::string_view text);
  bool parse_ranges(std::string_view text);

  std::string argument_, text_ = "0";
  std::vector<Range> ranges_;
  std::int64_t from_start_ = 0, from_end_ = 0;
  bool by_noise_ = false;
  double least_noise_ = 0, most_noise_ = 0;
};

/// When a model attends densely although it has a sparse plan.
struct SparsitySchedule {
  PlaceSet dense_layers;
  PlaceSet dense_steps;
  PlaceSet last_dense_steps;  ///< these, too
};

/// "0-1, 5" of {true, true, false, false, false, true}; "none" if none is set.
std::string places_text(const std::vector<bool>& places);

}  // namespace radial::video
