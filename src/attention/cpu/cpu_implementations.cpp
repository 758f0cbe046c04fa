#include "attention/cpu/cpu_implementations.h"

namespace radial {

std::span<const Implementation> cpu_implementations() { return {}; }

}  // namespace radial
