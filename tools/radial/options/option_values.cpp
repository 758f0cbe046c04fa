#include "options/option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include "radial/base/error.h"

namespace radial::tools {
namespace {

// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), current(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      current[j] =
          std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::exchange(last, current);
  }
  return last[b.size()];
}

template <typename Number>
bool parse_whole(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string shown(text.substr(0, kLongest));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }
  return "'" + shown + (text.size() > kLongest ? "...'" : "'");
}

void refuse(std::string_view option, std::string_view expected, std::string_view got) {
  throw InvalidArgument(concat(option, ": expected ", expected, ", got ",
                               got.empty() ? std::string("nothing") : in_quotes(got)));
}

std::int64_t parse_integer(std::string_view option, std::string_view text, IntegerRange range) {
  std::int64_t value = 0;
  if (!parse_whole(text, value) || value < range.least || value > range.most) {
    refuse(option, concat("a whole number from ", range.least, " to ", range.most), text);
  }
  return value;
}

double parse_number(std::string_view option, std::string_view text, double above, double most) {
  double value = 0;
  if (!parse_whole(text, value) || !std::isfinite(value) || value <= above || value > most) {
    const std::string up_to = std::isfinite(most) ? concat(", at most ", most) : std::string();
    refuse(option, concat("a number above ", above, up_to), text);
  }
  return value;
}

std::vector<std::int64_t> parse_integers(std::string_view option, std::string_view text,
                                         std::string_view separators, std::size_t count,
                                         std::string_view shape) {
  constexpr IntegerRange kRange;
  std::vector<std::int64_t> values;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = rest.find_first_of(separators);
    std::int64_t value = 0;
    const bool parsed = parse_whole(rest.substr(0, end), value);
    if (!parsed || value < kRange.least || value > kRange.most) break;
    values.push_back(value);
    if (end == std::string_view::npos) {
      if (values.size() == count) return values;
      break;
    }
    rest.remove_prefix(end + 1);
  }
  refuse(option, concat(shape, ", whole numbers from 1 to ", kRange.most), text);
}

std::string nearest_name(std::string_view text, std::span<const std::string> names) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const std::string& name : names) {
    // A name that was only begun ("--decay") is as near as one wrong letter.
    const bool begun = text.size() >= 3 && name.starts_with(text);
    const std::size_t distance = begun ? 1 : edit_distance(text, name);
    if (distance < best_distance) {
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

CLI::Option* OptionGroup::add_value(const std::string& names, const std::string& value_name,
                                    std::function<void(const std::string&)> take,
                                    const std::string& help) {
  return app_->add_option_function<std::string>(names, std::move(take), help)
      ->type_name(value_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(heading_);
}

CLI::Option* OptionGroup::add_repeated(const std::string& names, const std::string& value_name,
                                       std::function<void(const std::string&)> take,
                                       const std::string& help) {
  const auto take_each = [take = std::move(take)](const std::vector<std::string>& values) {
    for (const std::string& value : values) take(value);
  };
  return app_->add_option_function<std::vector<std::string>>(names, take_each, help)
      ->type_name(value_name)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(heading_);
}

CLI::Option* OptionGroup::add_pair(const std::string& names, const std::string& value_names,
                                   std::function<void(const std::string&, const std::string&)> take,
                                   const std::string& help) {
  const auto take_both = [take = std::move(take)](const std::vector<std::string>& values) {
    take(values.at(0), values.at(1));
  };
  return app_->add_option_function<std::vector<std::string>>(names, take_both, help)
      ->type_name(value_names)
      ->expected(2)
      ->group(heading_);
}

CLI::Option* OptionGroup::add_flag(const std::string& names, std::function<void()> take,
                                   const std::string& help) {
  return app_->add_flag_callback(names, std::move(take), help)
      ->disable_flag_override()
      ->group(heading_);
}

}  // namespace radial::tools
