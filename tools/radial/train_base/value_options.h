#pragma once

#include <cstdint>
#include <string>

#include "options/option_values.h"

namespace radial::tools {

/// An option with an integer of `range`, which goes to `target`.
void add_integer(OptionGroup& group, const std::string& name, std::int64_t& target,
                 IntegerRange range, const std::string& help);
/// An option with a number in [0, most], or in (0, most] unless `or_zero`.
void add_number(OptionGroup& group, const std::string& name, double& target, double most,
                const std::string& help, bool or_zero = true);

}  // namespace radial::tools
