#include "attention/reference/reference_implementations.h"

#include <array>

#include "attention/reference/reference.h"

namespace radial {

std::span<const Implementation> reference_implementations() {
  static const std::array<Implementation, 1> list{{{
      .name = "reference",
      .description = "plain loops in double precision, one thread; any number type",
      .device = DeviceType::kCpu,
      .unavailable = [] { return std::string(); },
      .declines = [](const AttentionProblem&) { return std::string(); },
      .forward_workspace = [](const AttentionProblem&, int) { return std::size_t{0}; },
      .backward_workspace = [](const AttentionProblem&, int) { return std::size_t{0}; },
      .forward = reference::forward,
      .backward = reference::backward,
  }}};
  return list;
}

}  // namespace radial
