#pragma once

#include <c10/core/Device.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace radial::tools {

/// `--offload-to-cpu --blocks-to-swap N --max-vram GiB`: how much of the transformer lies in host
/// memory while it runs on an accelerator.
class OffloadOptions {
 public:
  void add_to(CLI::App& app);

  /// Those that were given, of which each changes nothing where everything runs on the CPU.
  std::vector<std::string> given() const;

  /// How many of `num_blocks` blocks lie in host memory. `needed` says what the device must have
  /// free, in bytes, with so many of them there. Throws InvalidArgument for more than there are.
  std::int64_t blocks_to_swap(std::int64_t num_blocks,
                              const std::function<std::uint64_t(std::int64_t)>& needed) const;
  /// Bytes that a part may take of the device.
  std::uint64_t device_limit() const;

 private:
  bool all_ = false;
  std::optional<std::int64_t> blocks_;
  std::optional<double> max_gib_;
};

/// What --offload-to-cpu means for so many blocks: all but the two whose room they take turns in.
std::int64_t blocks_to_offload(std::int64_t num_blocks);

}  // namespace radial::tools
