#include "video/nn/token_ops.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addcmul.h>

#include <atomic>
#include <optional>

#include "radial/torch/fused_ops.h"
#include "video/nn/norm.h"
#include "video/nn/rotary.h"

namespace radial::video {
namespace {

std::atomic<FusedKernels> fused_kernels = FusedKernels::kWithoutGradients;

bool is_recorded(const at::Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

/// On the CPU torch's own operators are as fast, and bit for bit what the parity tests know.
bool is_fused(const at::Tensor& x, std::int64_t channels, std::int64_t head_dim) {
  const at::ScalarType type = x.scalar_type();
  const FusedKernels when = fused_kernels;
  return x.is_cuda() && when != FusedKernels::kNever &&
         (when == FusedKernels::kAlways || !is_recorded(x)) &&
         (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf) &&
         torch_ops::fused_takes(x, channels, head_dim);
}

bool are_fused(const at::Tensor& hidden) {
  return hidden.scalar_type() == at::kFloat && is_fused(hidden, hidden.size(-1), hidden.size(-1));
}

bool heads_are_fused(const at::Tensor& heads, const at::Tensor& maybe_weight) {
  return is_fused(heads, heads.size(2) * heads.size(3), heads.size(3)) &&
         (!maybe_weight.defined() || maybe_weight.scalar_type() == heads.scalar_type());
}

std::optional<at::Tensor> maybe(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace

void use_fused_kernels(FusedKernels when) { fused_kernels = when; }

at::Tensor modulated_layer_norm(const at::Tensor& hidden, const at::Tensor& shift,
                                const at::Tensor& scale, double eps, at::ScalarType dtype) {
  if (are_fused(hidden)) {
    return torch_ops::layer_norm_modulated(hidden, scale, shift, eps, /*scale_offset=*/1, dtype);
  }
  return modulated(layer_norm_float32(hidden, {}, {}, eps), shift, scale).to(dtype);
}

at::Tensor affine_layer_norm(const at::Tensor& hidden, const at::Tensor& weight,
                             const at::Tensor& bias, double eps, at::ScalarType dtype) {
  if (are_fused(hidden)) {
    return torch_ops::layer_norm_modulated(hidden, weight, bias, eps, /*scale_offset=*/0, dtype);
  }
  return layer_norm_float32(hidden, weight, bias, eps).to(dtype);
}

at::Tensor add_gated(const at::Tensor& hidden, const at::Tensor& branch, const at::Tensor& gate) {
  if (are_fused(hidden)) return torch_ops::gated_residual(hidden, branch, gate);
  return at::addcmul(hidden, branch.to(at::kFloat), gate);
}

StreamAndNormed add_gated_then_norm(const at::Tensor& hidden, const at::Tensor& branch,
                                    const at::Tensor& gate, const at::Tensor& weight,
                                    const at::Tensor& bias, double eps) {
  if (are_fused(hidden)) {
    auto [stream, normed] = torch_ops::residual_layer_norm(hidden, branch, gate, weight, bias, eps,
                                                           /*scale_offset=*/0);
    return {std::move(stream), std::move(normed)};
  }
  const at::Tensor stream = add_gated(hidden, branch, gate);
  return {stream, affine_layer_norm(stream, weight, bias, eps, branch.scalar_type())};
}

StreamAndNormed add_then_modulate(const at::Tensor& hidden, const at::Tensor& branch,
                                  const at::Tensor& shift, const at::Tensor& scale, double eps) {
  if (are_fused(hidden)) {
    auto [stream, normed] =
        torch_ops::residual_layer_norm(hidden, branch, std::nullopt, scale, shift, eps);
    return {std::move(stream), std::move(normed)};
  }
  const at::Tensor stream = hidden + branch;
  return {stream, modulated_layer_norm(stream, shift, scale, eps, branch.scalar_type())};
}

at::Tensor settled(const PendingResidual& pending) {
  if (!pending.branch.defined()) return pending.stream;
  return add_gated(pending.stream, pending.branch, pending.gate);
}

StreamAndNormed settle_then_modulate(const PendingResidual& pending, const at::Tensor& shift,
                                     const at::Tensor& scale, double eps, at::ScalarType dtype) {
  if (pending.branch.defined() && pending.branch.scalar_type() == dtype &&
      are_fused(pending.stream)) {
    auto [stream, normed] = torch_ops::residual_layer_norm(pending.stream, pending.branch,
                                                           pending.gate, scale, shift, eps);
    return {std::move(stream), std::move(normed)};
  }
  const at::Tensor stream = settled(pending);
  return {stream, modulated_layer_norm(stream, shift, scale, eps, dtype)};
}

at::Tensor normed_heads(const at::Tensor& heads, const at::Tensor& maybe_weight, double eps) {
  if (!maybe_weight.defined()) return heads;
  if (heads_are_fused(heads, maybe_weight)) {
    return torch_ops::norm_rotary(heads, maybe_weight, std::nullopt, eps);
  }
  return rms_norm(heads.flatten(2), maybe_weight, eps)
      .unflatten(-1, {heads.size(2), heads.size(3)});
}

std::pair<at::Tensor, at::Tensor> normed_rotated(const at::Tensor& q, const at::Tensor& k,
                                                 const at::Tensor& maybe_q_weight,
                                                 const at::Tensor& maybe_k_weight,
                                                 const at::Tensor& rotary, double eps) {
  if (heads_are_fused(q, maybe_q_weight) && heads_are_fused(k, maybe_k_weight)) {
    auto [queries, keys] =
        torch_ops::qk_norm_rotary(q, k, maybe(maybe_q_weight), maybe(maybe_k_weight), rotary, eps);
    return {std::move(queries), std::move(keys)};
  }
  return {apply_rotary(normed_heads(q, maybe_q_weight, eps), rotary),
          apply_rotary(normed_heads(k, maybe_k_weight, eps), rotary)};
}

}  // namespace radial::video
