// The fused operators in torch.ops.radial, and as C++ functions through torch's dispatcher.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include "fused_operators.h"

namespace radial::torch_ops {
namespace {

template <typename Function>
auto typed_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Function>();
}

at::Tensor contiguous_like(const at::Tensor& x, at::ScalarType dtype) {
  return at::empty_symint(x.sym_sizes(), x.options().dtype(dtype));
}

void register_device_kernels(torch::Library& m) {
  m.impl("qk_norm_rotary", on_device::qk_norm_rotary);
  m.impl("norm_rotary", on_device::norm_rotary);
  m.impl("layer_norm_modulated", on_device::layer_norm_modulated);
  m.impl("residual_layer_norm", on_device::residual_layer_norm);
  m.impl("gated_residual", on_device::gated_residual);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(radial, m) {
  m.def(
      "qk_norm_rotary(Tensor q, Tensor k, Tensor? q_weight, Tensor? k_weight, Tensor? rotation, "
      "float eps) -> (Tensor, Tensor)");
  m.def("norm_rotary(Tensor x, Tensor? weight, Tensor? rotation, float eps) -> Tensor");
  m.def(
      "layer_norm_modulated(Tensor x, Tensor scale, Tensor shift, float eps, "
      "float scale_offset=1, ScalarType? dtype=None) -> Tensor");
  m.def(
      "residual_layer_norm(Tensor x, Tensor branch, Tensor? gate, Tensor scale, Tensor shift, "
      "float eps, float scale_offset=1) -> (Tensor, Tensor)");
  m.def("gated_residual(Tensor x, Tensor branch, Tensor gate) -> Tensor");
}

TORCH_LIBRARY_IMPL(radial, CPU, m) { register_device_kernels(m); }
TORCH_LIBRARY_IMPL(radial, CUDA, m) { register_device_kernels(m); }

TORCH_LIBRARY_IMPL(radial, Meta, m) {
  m.impl("qk_norm_rotary", [](const at::Tensor& q, const at::Tensor& k,
                              const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
                              const std::optional<at::Tensor>&, double) {
    return std::tuple(contiguous_like(q, q.scalar_type()), contiguous_like(k, k.scalar_type()));
  });
  m.impl("norm_rotary",
         [](const at::Tensor& x, const std::optional<at::Tensor>&, const std::optional<at::Tensor>&,
            double) { return contiguous_like(x, x.scalar_type()); });
  m.impl("layer_norm_modulated", [](const at::Tensor& x, const at::Tensor&, const at::Tensor&,
                                    double, double, std::optional<at::ScalarType> dtype) {
    return contiguous_like(x, dtype.value_or(at::kFloat));
  });
  m.impl("residual_layer_norm",
         [](const at::Tensor& x, const at::Tensor& branch, const std::optional<at::Tensor>&,
            const at::Tensor&, const at::Tensor&, double, double) {
           return std::tuple(contiguous_like(x, at::kFloat),
                             contiguous_like(branch, branch.scalar_type()));
         });
  m.impl("gated_residual", [](const at::Tensor& x, const at::Tensor&, const at::Tensor&) {
    return contiguous_like(x, at::kFloat);
  });
}

TORCH_LIBRARY_IMPL(radial, Autograd, m) {
  m.impl("qk_norm_rotary", with_autograd::qk_norm_rotary);
  m.impl("norm_rotary", with_autograd::norm_rotary);
  m.impl("layer_norm_modulated", with_autograd::layer_norm_modulated);
  m.impl("residual_layer_norm", with_autograd::residual_layer_norm);
  m.impl("gated_residual", with_autograd::gated_residual);
}

std::tuple<at::Tensor, at::Tensor> qk_norm_rotary(const at::Tensor& q, const at::Tensor& k,
                                                  const std::optional<at::Tensor>& q_weight,
                                                  const std::optional<at::Tensor>& k_weight,
                                                  const std::optional<at::Tensor>& rotation,
                                                  double eps) {
  static const auto found = typed_operator<decltype(qk_norm_rotary)>("radial::qk_norm_rotary");
  return found.call(q, k, q_weight, k_weight, rotation, eps);
}

at::Tensor norm_rotary(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                       const std::optional<at::Tensor>& rotation, double eps) {
  static const auto found = typed_operator<decltype(norm_rotary)>("radial::norm_rotary");
  return found.call(x, weight, rotation, eps);
}

at::Tensor layer_norm_modulated(const at::Tensor& x, const at::Tensor& scale,
                                const at::Tensor& shift, double eps, double scale_offset,
                                std::optional<at::ScalarType> dtype) {
  static const auto found =
      typed_operator<decltype(layer_norm_modulated)>("radial::layer_norm_modulated");
  return found.call(x, scale, shift, eps, scale_offset, dtype);
}

std::tuple<at::Tensor, at::Tensor> residual_layer_norm(
    const at::Tensor& x, const at::Tensor& branch, const std::optional<at::Tensor>& gate,
    const at::Tensor& scale, const at::Tensor& shift, double eps, double scale_offset) {
  static const auto found =
      typed_operator<decltype(residual_layer_norm)>("radial::residual_layer_norm");
  return found.call(x, branch, gate, scale, shift, eps, scale_offset);
}

at::Tensor gated_residual(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& gate) {
  static const auto found = typed_operator<decltype(gated_residual)>("radial::gated_residual");
  return found.call(x, branch, gate);
}

}  // namespace radial::torch_ops
