#include "video/models/sparsity_schedule.h"

#include <algorithm>
#include <charconv>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::int64_t kMostPlaces = 1'000'000;

template <typename Number>
bool parse_whole(std::string_view text, Number& value) {
  Number parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  value = parsed;
  return true;
}

bool parse_place(std::string_view text, std::int64_t& value) {
  return parse_whole(text, value) && value >= 0 && value <= kMostPlaces;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

PlaceSet::PlaceSet(std::string_view argument, std::string_view text)
    : argument_(argument), text_(text) {
  RADIAL_REQUIRE(parse_counted(text) || parse_noise(text) || parse_ranges(text), argument,
                 ": expected a count (2, last:2), places (0-1,5) or noise levels (noise:0.9-1), "
                 "got '",
                 text.substr(0, 60), "'");
}

bool PlaceSet::parse_counted(std::string_view text) {
  if (take_prefix(text, "last:")) return parse_place(text, from_end_);
  take_prefix(text, "first:");
  return parse_place(text, from_start_);
}

bool PlaceSet::parse_noise(std::string_view text) {
  if (!take_prefix(text, "noise:")) return false;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  by_noise_ = parse_whole(text.substr(0, dash), least_noise_) &&
              parse_whole(text.substr(dash + 1), most_noise_) && least_noise_ >= 0 &&
              most_noise_ <= 1 && least_noise_ <= most_noise_;
  return by_noise_;
}

bool PlaceSet::parse_ranges(std::string_view text) {
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t dash = item.find('-');
    Range range;
    if (!parse_place(item.substr(0, dash), range.first)) return false;
    range.last = range.first;
    if (dash != std::string_view::npos && !parse_place(item.substr(dash + 1), range.last)) {
      return false;
    }
    if (range.last < range.first) return false;
    ranges_.push_back(range);
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

std::vector<bool> PlaceSet::resolve(int count) const {
  RADIAL_REQUIRE(!by_noise_, argument_, ": expected places, got noise levels '", text_, "'");
  std::int64_t named = std::max(from_start_, from_end_);
  for (const Range& range : ranges_) named = std::max(named, range.last + 1);
  RADIAL_REQUIRE(named <= count, argument_, ": expected places among ", count,
                 " (counted from 0), got '", text_, "'");
  std::vector<bool> places(count, false);
  const auto mark = [&](std::int64_t first, std::int64_t last) {
    std::fill(places.begin() + first, places.begin() + last, true);
  };
  mark(0, from_start_);
  mark(count - from_end_, count);
  for (const Range& range : ranges_) mark(range.first, range.last + 1);
  return places;
}

std::vector<bool> PlaceSet::resolve(const NoiseSchedule& schedule) const {
  if (!by_noise_) return resolve(schedule.num_steps());
  std::vector<bool> places;
  for (int i = 0; i < schedule.num_steps(); ++i) {
    places.push_back(schedule.sigmas[i] >= least_noise_ && schedule.sigmas[i] <= most_noise_);
  }
  return places;
}

std::string places_text(const std::vector<bool>& places) {
  std::string text;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    std::size_t last = i;
    while (last + 1 < places.size() && places[last + 1]) ++last;
    if (!text.empty()) text += ", ";
    text += last > i ? concat(i, "-", last) : concat(i);
    i = last;
  }
  return text.empty() ? "none" : text;
}

}  // namespace radial::video
