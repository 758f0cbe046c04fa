#pragma once

#include "radial/torch/fused_ops.h"

// What fused_library.cpp registers for the operators of fused_ops.h under each dispatch key.

namespace radial::torch_ops {

namespace on_device {  // CPU and CUDA: fused_kernels.cpp

std::tuple<at::Tensor, at::Tensor> qk_norm_rotary(const at::Tensor& q, const at::Tensor& k,
                                                  const std::optional<at::Tensor>& q_weight,
                                                  const std::optional<at::Tensor>& k_weight,
                                                  const std::optional<at::Tensor>& rotation,
                                                  double eps);
at::Tensor norm_rotary(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                       const std::optional<at::Tensor>& rotation, double eps);
at::Tensor layer_norm_modulated(const at::Tensor& x, const at::Tensor& scale,
                                const at::Tensor& shift, double eps, double scale_offset,
                                std::optional<at::ScalarType> dtype);
std::tuple<at::Tensor, at::Tensor> residual_layer_norm(
    const at::Tensor& x, const at::Tensor& branch, const std::optional<at::Tensor>& gate,
    const at::Tensor& scale, const at::Tensor& shift, double eps, double scale_offset);
at::Tensor gated_residual(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& gate);

}  // namespace on_device

namespace with_autograd {  // fused_autograd.cpp

std::tuple<at::Tensor, at::Tensor> qk_norm_rotary(const at::Tensor& q, const at::Tensor& k,
                                                  const std::optional<at::Tensor>& q_weight,
                                                  const std::optional<at::Tensor>& k_weight,
                                                  const std::optional<at::Tensor>& rotation,
                                                  double eps);
at::Tensor norm_rotary(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                       const std::optional<at::Tensor>& rotation, double eps);
at::Tensor layer_norm_modulated(const at::Tensor& x, const at::Tensor& scale,
                                const at::Tensor& shift, double eps, double scale_offset,
                                std::optional<at::ScalarType> dtype);
std::tuple<at::Tensor, at::Tensor> residual_layer_norm(
    const at::Tensor& x, const at::Tensor& branch, const std::optional<at::Tensor>& gate,
    const at::Tensor& scale, const at::Tensor& shift, double eps, double scale_offset);
at::Tensor gated_residual(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& gate);

}  // namespace with_autograd

}  // namespace radial::torch_ops
