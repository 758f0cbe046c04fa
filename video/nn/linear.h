#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "video/checkpoint/tensor_source.h"

namespace radial::video {

/// y = x W^T + b.
struct Linear {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]

  /// A low-rank change of the weight, up @ down, that is trained beside it: [rank, in] and
  /// [out, rank] float32; undefined without one.
  at::Tensor down = {}, up = {};

  at::Tensor operator()(const at::Tensor& input) const;

  /// Gives it a change of that rank with random values, of deviation 1 / sqrt(in) and 0.01, that
  /// want gradients.
  void add_adapter(std::int64_t rank);

  /// gelu(y) in its tanh form. On a GPU the product applies it before it rounds, unless a gradient
  /// is to be recorded.
  at::Tensor with_gelu(const at::Tensor& input) const;

  /// `name`.weight and `name`.bias of the scope, in the source's dtype or in `dtype`.
  static Linear load(const TensorScope& scope, std::string_view name, std::int64_t out,
                     std::int64_t in, std::optional<at::ScalarType> dtype = std::nullopt);
};

}  // namespace radial::video
