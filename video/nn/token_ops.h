#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace radial::video {

// Steps of a transformer block between its products, in one pass over memory each where the library
// has kernels for the device (radial/torch/fused_ops.h); elsewhere tensor by tensor, as norm.h and
// rotary.h do it. B batch, S tokens, E channels, H heads, D head dim.

/// When the library's kernels are used. Where gradients are recorded, they keep their inputs alone
/// and torch's operators compute the rest again in the backward pass.
enum class FusedKernels { kNever, kWithoutGradients, kAlways };

/// For all of the process; kWithoutGradients unless this says otherwise.
void use_fused_kernels(FusedKernels when);

/// layer_norm(hidden) * (1 + scale) + shift in `dtype`: hidden [B, S, E] float32, scale and shift
/// [B, 1, E] float32.
at::Tensor modulated_layer_norm(const at::Tensor& hidden, const at::Tensor& shift,
                                const at::Tensor& scale, double eps, at::ScalarType dtype);

/// layer_norm(hidden) * weight + bias in `dtype`, weight and bias [E] float32.
at::Tensor affine_layer_norm(const at::Tensor& hidden, const at::Tensor& weight,
                             const at::Tensor& bias, double eps, at::ScalarType dtype);

/// A residual stream to which a branch is still to be added: stream + branch * gate.
struct PendingResidual {
  at::Tensor stream;  // [B, S, E] float32
  at::Tensor branch;  // [B, S, E]; undefined: nothing is to be added
  at::Tensor gate;    // [B, 1, E] float32
};

/// A residual stream and what the next branch gets of it.
struct StreamAndNormed {
  at::Tensor stream;  // [B, S, E] float32
  at::Tensor normed;  // [B, S, E] in the branches' type
};

/// stream = hidden + branch * gate, and its affine_layer_norm.
StreamAndNormed add_gated_then_norm(const at::Tensor& hidden, const at::Tensor& branch,
                                    const at::Tensor& gate, const at::Tensor& weight,
                                    const at::Tensor& bias, double eps);

/// stream = hidden + branch, and its modulated_layer_norm.
StreamAndNormed add_then_modulate(const at::Tensor& hidden, const at::Tensor& branch,
                                  const at::Tensor& shift, const at::Tensor& scale, double eps);

/// The stream of `pending` once its branch is added, and its modulated_layer_norm in `dtype`.
StreamAndNormed settle_then_modulate(const PendingResidual& pending, const at::Tensor& shift,
                                     const at::Tensor& scale, double eps, at::ScalarType dtype);

/// The stream of `pending` once its branch is added.
at::Tensor settled(const PendingResidual& pending);

/// hidden + branch * gate, float32: branch [B, S, E], gate [B, 1, E] float32.
at::Tensor add_gated(const at::Tensor& hidden, const at::Tensor& branch, const at::Tensor& gate);

/// RMS norm of each token's [H, D], where there is a weight [H * D].
at::Tensor normed_heads(const at::Tensor& heads, const at::Tensor& maybe_weight, double eps);

/// q and k [B, S, H, D], normed likewise and rotated by `rotary` complex [S, D / 2].
std::pair<at::Tensor, at::Tensor> normed_rotated(const at::Tensor& q, const at::Tensor& k,
                                                 const at::Tensor& maybe_q_weight,
                                                 const at::Tensor& maybe_k_weight,
                                                 const at::Tensor& rotary, double eps);

}  // namespace radial::video
