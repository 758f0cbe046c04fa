#include "radial/base/dtype.h"

#include "radial/base/error.h"

namespace radial {

DType parse_dtype(std::string_view name) {
  if (name == "float32" || name == "fp32" || name == "float") return DType::kFloat32;
  if (name == "bfloat16" || name == "bf16") return DType::kBFloat16;
  if (name == "float16" || name == "fp16" || name == "half") return DType::kFloat16;
  if (name == "float64" || name == "fp64" || name == "double") return DType::kFloat64;
  throw InvalidArgument(
      concat("dtype: expected float32, bfloat16, float16 or float64, got '", name, "'"));
}

}  // namespace radial
