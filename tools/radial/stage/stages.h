#pragma once

#include <vector>

#include "command.h"

namespace radial::tools {

Command tokens_stage();
Command text_stage();
Command schedule_stage();
Command forward_stage();
Command decode_stage();
Command encode_stage();

/// Every stage, in the order of the pipeline.
std::vector<Command> stages();

}  // namespace radial::tools
