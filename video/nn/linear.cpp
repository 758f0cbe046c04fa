#include "video/nn/linear.h"

#include <ATen/ops/linear.h>

namespace radial::video {

at::Tensor Linear::operator()(const at::Tensor& input) const {
  return at::linear(input, weight, bias);
}

Linear Linear::load(const TensorScope& scope, std::string_view name, std::int64_t out,
                    std::int64_t in, std::optional<at::ScalarType> dtype) {
  const TensorScope layer = scope / name;
  return {layer.tensor("weight", {out, in}, dtype), layer.tensor("bias", {out}, dtype)};
}

}  // namespace radial::video
