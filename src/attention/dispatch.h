#pragma once

#include <type_traits>

#include "base/number_types.h"
#include "radial/base/dtype.h"

namespace radial {

/// Calls `body(std::type_identity<Element>{})` with the element type of `dtype`.
template <typename Body>
decltype(auto) with_element(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::kFloat32:
      return body(std::type_identity<float>{});
    case DType::kBFloat16:
      return body(std::type_identity<BFloat16>{});
    case DType::kFloat16:
      return body(std::type_identity<Float16>{});
    case DType::kFloat64:
      break;
  }
  return body(std::type_identity<double>{});
}

}  // namespace radial
