#pragma once

#include "command.h"

namespace radial::tools {

Command attention_bench();
/// Only in builds with torch.
Command dit_bench();

}  // namespace radial::tools
