#pragma once

#include <span>

#include "attention/params.h"

namespace radial {

/// The implementations for CPUs, fastest first.
std::span<const Implementation> cpu_implementations();

}  // namespace radial
