#pragma once

#include <optional>
#include <string>

#include "video/models/sparsity_schedule.h"

namespace radial::tools {

/// Attention settings that are known to work together, by name.
struct AttentionPreset {
  double decay_factor;             ///< of the rule `radial`
  int dense_layers;                ///< from the first
  std::optional<int> dense_steps;  ///< from the first; nothing: a quarter of the steps
};

/// "paper", "long" or "fast". Throws InvalidArgument for any other name.
AttentionPreset attention_preset(const std::string& name);

}  // namespace radial::tools
