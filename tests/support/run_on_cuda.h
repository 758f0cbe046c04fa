#pragma once

#include "support/run_attention.h"

namespace radial::testing {

/// Forward and backward on the current GPU of a problem whose tensors lie on the host; the outputs
/// of `results` go there as they are and come back. Workspaces are poisoned before each call.
void run_on_cuda(const Problem& problem, const RunOptions& options, const Manner& manner,
                 Results& results);

}  // namespace radial::testing
