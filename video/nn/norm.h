#pragma once

#include <ATen/core/Tensor.h>

namespace radial::video {

/// Layer norm over the last dimension, computed and returned in float32. Weight and bias may be
/// undefined.
at::Tensor layer_norm_float32(const at::Tensor& input, const at::Tensor& maybe_weight,
                              const at::Tensor& maybe_bias, double eps);

/// x / sqrt(mean(x^2) + eps) * weight over the last dimension: statistics in float32, the result in
/// the input's dtype, which the weight has, too.
at::Tensor rms_norm(const at::Tensor& input, const at::Tensor& weight, double eps);

/// input * (1 + scale) + shift.
at::Tensor modulated(const at::Tensor& input, const at::Tensor& shift, const at::Tensor& scale);

/// Sinusoids of a number per row: [N] -> [N, width] float32, cosines first, frequencies
/// 10000^(-i / (width / 2)). Computed in float32 throughout, as the reference does.
at::Tensor timestep_sinusoid(const at::Tensor& timesteps, std::int64_t width);

}  // namespace radial::video
