#include "options/offload_options.h"

#include <algorithm>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

constexpr double kGibibyte = 1 << 30;

}  // namespace

void OffloadOptions::add_to(CLI::App& app) {
  OptionGroup group(app, "Memory of a GPU");
  CLI::Option* const all = group.add_flag(
      "--offload-to-cpu,--offload-model,--use-cpu-offload,--use-model-offload",
      [this] { all_ = true; },
      "Keep the transformer's blocks in host memory and copy each to the GPU while the one before "
      "computes: the same bits, little memory");
  CLI::Option* const some = group.add_value(
      "--blocks-to-swap", "N",
      [this](const std::string& text) {
        blocks_ = parse_integer("--blocks-to-swap", text, {.least = 0, .most = 1 << 16});
      },
      "Likewise with N of the blocks, the others stay on the GPU");
  some->excludes(all);
  group.add_value(
      "--max-vram", "GiB",
      [this](const std::string& text) { max_gib_ = parse_number("--max-vram", text, 0, 1 << 20); },
      "Take at most so much: as many blocks as that needs are kept in host memory");
}

std::vector<std::string> OffloadOptions::given() const {
  std::vector<std::string> names;
  if (all_) names.push_back("--offload-to-cpu");
  if (blocks_) names.push_back("--blocks-to-swap");
  if (max_gib_) names.push_back("--max-vram");
  return names;
}

std::int64_t blocks_to_offload(std::int64_t num_blocks) {
  return std::max<std::int64_t>(num_blocks > 2 ? num_blocks - 2 : num_blocks - 1, 0);
}

std::int64_t OffloadOptions::blocks_to_swap(
    std::int64_t num_blocks, const std::function<std::uint64_t(std::int64_t)>& needed) const {
  const std::int64_t most = std::max<std::int64_t>(num_blocks - 1, 0);
  if (blocks_ && *blocks_ > most) {
    refuse("--blocks-to-swap", concat("at most ", most, " of the model's ", num_blocks, " blocks"),
           std::to_string(*blocks_));
  }
  if (blocks_) return *blocks_;
  if (all_) return blocks_to_offload(num_blocks);
  if (!max_gib_) return 0;
  std::int64_t count = 0;
  while (count < most && needed(count) > device_limit()) ++count;
  return count;
}

std::uint64_t OffloadOptions::device_limit() const {
  if (!max_gib_) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(*max_gib_ * kGibibyte);
}

}  // namespace radial::tools
