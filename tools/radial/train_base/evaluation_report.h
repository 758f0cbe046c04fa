#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "train_base/evaluation.h"

namespace radial::tools {

/// evaluation.json: for each setting the shares of prompts that each attribute is right for, and
/// the means over prompts; then all clips. Reads what the clips' folders have.
nlohmann::ordered_json evaluation_json(const std::vector<EvaluatedPrompt>& prompts,
                                       const std::vector<EvaluatedClips>& settings);

/// The same on stdout, a line for each setting, without the clips.
void print_evaluation(const nlohmann::ordered_json& report);

}  // namespace radial::tools
