#pragma once

#include "attention/params.h"

namespace radial::sm90 {

/// `cuda_sm90`: kernels made of Hopper's own instructions.
Implementation implementation();

}  // namespace radial::sm90
