#include "video/nn/norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/rsqrt.h>

#include <cmath>

namespace radial::video {

at::Tensor layer_norm_float32(const at::Tensor& input, const at::Tensor& maybe_weight,
                              const at::Tensor& maybe_bias, double eps) {
  return at::layer_norm(input.to(at::kFloat), {input.size(-1)}, maybe_weight, maybe_bias, eps);
}

at::Tensor rms_norm(const at::Tensor& input, const at::Tensor& weight, double eps) {
  // One kernel, and one for its gradients, instead of many that each pass over the memory.
  if (input.is_cuda()) return at::rms_norm(input, {input.size(-1)}, weight, eps);
  const at::Tensor wide = input.to(at::kFloat);
  const at::Tensor mean_square = wide.square().mean(-1, /*keepdim=*/true);
  return (wide * at::rsqrt(mean_square + eps)).to(input.scalar_type()) * weight;
}

at::Tensor modulated(const at::Tensor& input, const at::Tensor& shift, const at::Tensor& scale) {
  return at::addcmul(shift, input, scale + 1);
}

at::Tensor timestep_sinusoid(const at::Tensor& timesteps, std::int64_t width) {
  const std::int64_t half = width / 2;
  const at::Tensor index = at::arange(half, timesteps.options().dtype(at::kFloat));
  const at::Tensor frequency = (index * -std::log(10000.0) / half).exp();
  const at::Tensor angle = timesteps.to(at::kFloat).unsqueeze(-1) * frequency;
  return at::cat({angle.cos(), angle.sin()}, -1);
}

}  // namespace radial::video
