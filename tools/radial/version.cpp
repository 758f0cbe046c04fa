#include "version.h"

#include <fmt/format.h>

#include "radial/attention/implementation.h"

namespace radial::tools {

std::string version_text() {
  std::string text = fmt::format("radial {}\n\nattention on this machine, most preferred first:\n",
                                 RADIAL_VERSION);
  for (const ImplementationInfo& info : implementations()) {
    text += fmt::format("  {:<16} {:<4} {}{}\n", info.name, info.available ? "yes" : "no",
                        info.description,
                        info.available ? "" : fmt::format(" (not here: {})", info.unavailable));
  }
  text.pop_back();
  return text;
}

}  // namespace radial::tools
