#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "radial/base/export.h"

namespace radial {

/// Element types of tensors at the boundary. Softmax statistics are always float32 (float64 when
/// the tensors are float64).
enum class DType : std::uint8_t { kFloat32, kBFloat16, kFloat16, kFloat64 };

/// Bytes of one element.
constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return 4;
    case DType::kBFloat16:
      return 2;
    case DType::kFloat16:
      return 2;
    case DType::kFloat64:
      return 8;
  }
  return 0;
}

/// "float32", "bfloat16", "float16" or "float64".
constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kFloat16:
      return "float16";
    case DType::kFloat64:
      return "float64";
  }
  return "?";
}

/// The dtype of that name (also "fp32", "bf16", "fp16", "fp64", "half", "double").
/// Throws InvalidArgument on any other.
RADIAL_API DType parse_dtype(std::string_view name);

}  // namespace radial
