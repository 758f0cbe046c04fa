#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace radial::tools {

// Values of options: every refusal is one line "<option>: expected ..., got '...'", thrown as
// InvalidArgument.

struct IntegerRange {
  std::int64_t least = 1;
  std::int64_t most = std::numeric_limits<std::int32_t>::max();
};

std::int64_t parse_integer(std::string_view option, std::string_view text, IntegerRange range);
double parse_number(std::string_view option, std::string_view text, double above, double most);

/// `count` integers separated by any one of `separators`, such as "21,45,80"; `shape` says it for
/// people.
std::vector<std::int64_t> parse_integers(std::string_view option, std::string_view text,
                                         std::string_view separators, std::size_t count,
                                         std::string_view shape);

/// `text` as a refusal quotes it: in quotation marks, shortened if it is long, control characters
/// replaced, so that the message stays one readable line.
std::string in_quotes(std::string_view text);

/// Throws InvalidArgument; an empty `got` is said to be nothing.
[[noreturn]] void refuse(std::string_view option, std::string_view expected, std::string_view got);

/// The name among `names` that `text` was most likely meant to be, or an empty string.
std::string nearest_name(std::string_view text, std::span<const std::string> names);

/// Options that stand under one heading in the help. `names` lists the canonical name first, then
/// its aliases ("--rule,--attention").
class OptionGroup {
 public:
  OptionGroup(CLI::App& app, std::string heading) : app_(&app), heading_(std::move(heading)) {}

  /// An option whose value, the last one if it is given several times, goes to `take`.
  CLI::Option* add_value(const std::string& names, const std::string& value_name,
                         std::function<void(const std::string&)> take, const std::string& help);
  /// An option that may be given several times; each value goes to `take`, in order.
  CLI::Option* add_repeated(const std::string& names, const std::string& value_name,
                            std::function<void(const std::string&)> take, const std::string& help);
  /// An option with two values.
  CLI::Option* add_pair(const std::string& names, const std::string& value_names,
                        std::function<void(const std::string&, const std::string&)> take,
                        const std::string& help);
  CLI::Option* add_flag(const std::string& names, std::function<void()> take,
                        const std::string& help);

 private:
  CLI::App* app_;
  std::string heading_;
};

}  // namespace radial::tools
