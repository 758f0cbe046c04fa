#include "attention/cuda/cuda_implementations.h"

#include <array>

#include "attention/cuda/sm80/sm80_implementation.h"
#include "attention/cuda/sm90/sm90_implementation.h"

namespace radial {

std::span<const Implementation> cuda_implementations() {
  static const std::array list{sm90::implementation(), sm80::implementation()};
  return list;
}

}  // namespace radial
