#pragma once

#include "attention/params.h"

namespace radial::sm80 {

/// `cuda_sm80`: mma.sync and cp.async, on compute capability 8.0 and later.
Implementation implementation();

}  // namespace radial::sm80
