#pragma once

#include "generate/request.h"

namespace radial::tools {

/// Makes the videos of a finished request; the exit code. Throws InvalidArgument for everything
/// that is wrong with the request, before any work.
int run_generate(const GenerateRequest& request);

}  // namespace radial::tools
