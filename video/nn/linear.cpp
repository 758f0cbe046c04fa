#include "video/nn/linear.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_addmm_activation.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include <cmath>

namespace radial::video {

at::Tensor Linear::operator()(const at::Tensor& input) const {
  const at::Tensor output = at::linear(input, weight, bias);
  if (!down.defined()) return output;
  const at::Tensor inner = at::linear(input, down.to(input.scalar_type()));
  // The second product adds to the output as it writes it.
  return at::addmm(output.flatten(0, -2), inner.flatten(0, -2), up.to(input.scalar_type()).t())
      .view(output.sizes());
}

void Linear::add_adapter(std::int64_t rank) {
  const auto options = weight.options().dtype(at::kFloat).requires_grad(false);
  const double width = static_cast<double>(weight.size(1));
  down = at::randn({rank, weight.size(1)}, options).div_(std::sqrt(width)).requires_grad_();
  up = at::randn({weight.size(0), rank}, options).mul_(0.01).requires_grad_();
}

at::Tensor Linear::with_gelu(const at::Tensor& input) const {
  const bool recorded = at::GradMode::is_enabled() &&
                        (input.requires_grad() || weight.requires_grad() || bias.requires_grad());
  // torch's CPU kernel would take the other form of gelu.
  if (!input.is_cuda() || recorded || down.defined()) return at::gelu((*this)(input), "tanh");
  return at::_addmm_activation(bias, input.flatten(0, -2), weight.t(), /*beta=*/1, /*alpha=*/1,
                               /*use_gelu=*/true)
      .unflatten(0, input.sizes().slice(0, static_cast<std::size_t>(input.dim() - 1)));
}

Linear Linear::load(const TensorScope& scope, std::string_view name, std::int64_t out,
                    std::int64_t in, std::optional<at::ScalarType> dtype) {
  const TensorScope layer = scope / name;
  return {layer.tensor("weight", {out, in}, dtype), layer.tensor("bias", {out}, dtype)};
}

}  // namespace radial::video
