#pragma once

#include <span>

#include "attention/params.h"

namespace radial {

/// The plain double-precision implementation, which every other one is checked against.
std::span<const Implementation> reference_implementations();

}  // namespace radial
