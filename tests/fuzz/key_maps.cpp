// Lines -> names of tensors: a network is recognised or not, and a name that has another one in the
// other layout comes back from there unchanged.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input.h"
#include "video/checkpoint/model_part.h"

namespace radial::testing {
namespace {

using video::KeyMap;
using video::Layout;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void holds_both_ways(const KeyMap& map, const std::string& name) {
  if (const std::optional<std::string> diffusers = map.to_diffusers(name)) {
    RADIAL_HOLDS(map.to_official(*diffusers) == name);
  }
  if (const std::optional<std::string> official = map.to_official(name)) {
    RADIAL_HOLDS(map.to_diffusers(*official) == name);
  }
}

void run(std::string_view text) {
  const std::vector<std::string> names = lines_of(text);
  const std::optional<video::ModelPart> part = video::recognise_part(names);
  for (const std::string& name : names) {
    holds_both_ways(video::wan_key_map(), name);
    holds_both_ways(video::umt5_key_map(), name);
    if (!part) continue;
    holds_both_ways(part->key_map, name);
    const Layout other = part->layout == Layout::kOfficial ? Layout::kDiffusers : Layout::kOfficial;
    const std::optional<std::string> same = part->find_name_in(part->layout, name);
    RADIAL_HOLDS(same.has_value() == name.starts_with(part->prefix));
    const std::optional<std::string> renamed = part->find_name_in(other, name);
    if (!renamed) continue;
    const bool to_official = other == Layout::kOfficial;
    RADIAL_HOLDS((to_official ? part->key_map.to_diffusers(*renamed)
                              : part->key_map.to_official(*renamed)) == same);
    RADIAL_HOLDS(part->name_in(other, name) == *renamed);
  }
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
