#include "train_base/value_options.h"

namespace radial::tools {

void add_integer(OptionGroup& group, const std::string& name, std::int64_t& target,
                 IntegerRange range, const std::string& help) {
  group.add_value(
      name, "N",
      [&target, name, range](const std::string& text) {
        target = parse_integer(name, text, range);
      },
      help);
}

void add_number(OptionGroup& group, const std::string& name, double& target, double most,
                const std::string& help, bool or_zero) {
  group.add_value(
      name, "X",
      [&target, name, most, or_zero](const std::string& text) {
        target = or_zero && text == "0" ? 0 : parse_number(name, text, 0, most);
      },
      help);
}

}  // namespace radial::tools
