#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "generate/request.h"

namespace radial::tools {

struct GeneratePlan;

/// What a part of the model takes while it is loaded, in bytes of its device's memory.
struct PartNeed {
  std::string name;           ///< "text encoder", "transformer", "VAE"
  std::uint64_t weights = 0;  ///< in the element type of the run
  std::uint64_t working = 0;  ///< what its largest step takes beside them
  at::Device device = at::kCPU;
  std::string help;  ///< options that would make it less
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();  ///< bytes it was allowed

  std::uint64_t total() const { return weights + working; }
};

/// How many of the transformer's blocks lie in host memory: none if it runs there. Throws
/// InvalidArgument for more than there are.
std::int64_t blocks_to_swap(const GenerateRequest& request, const GeneratePlan& plan);

/// In the order they are loaded, for latents [1, C, F, H, W]; last, if there are any, the blocks
/// that lie in host memory ("swapped blocks").
std::vector<PartNeed> part_needs(const GenerateRequest& request, const GeneratePlan& plan,
                                 const std::vector<std::int64_t>& latents);

/// A line for each part that comes near to what is free where it is to run. Throws InvalidArgument
/// if one cannot fit, saying what would help.
std::vector<std::string> check_memory(const std::vector<PartNeed>& needs);

/// Whether the host has so little free that malloc should keep nothing: it may take twice as much
/// as the tensors alive.
bool is_host_memory_tight(const std::vector<PartNeed>& needs);

/// As people say it: "340 MB", "12.3 GB".
std::string memory_text(std::uint64_t bytes);

}  // namespace radial::tools
