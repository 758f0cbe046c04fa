#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

#include "radial/base/export.h"

// What a transformer block does to its tokens between the matrix products, one pass over memory
// each, as operators of torch.ops.radial (radial/fused/fused_ops.h says what they compute). B
// batch, S tokens, H heads, D head dim, E channels. Any strides, as long as the channels of a token
// are contiguous: q and k may be views of one product.
//
// Gradients: an operator saves its inputs alone; its backward computes it again by torch's own
// operators and differentiates those. Second derivatives are refused.

namespace radial::torch_ops {

/// Do the operators take tokens of that many channels on the device of `x`? On a GPU: with kernels
/// in the library, compute capability 8.0, `head_dim` in multiples of 8 and at most 8,192 channels;
/// on the CPU always.
RADIAL_API bool fused_takes(const at::Tensor& x, std::int64_t channels, std::int64_t head_dim);

/// q and k [B, S, H, D] of the same sizes and type, RMS-normed over H x D with the weights [H * D]
/// if there are any, then rotated by `rotation` complex64 [S, D / 2].
RADIAL_API std::tuple<at::Tensor, at::Tensor> qk_norm_rotary(
    const at::Tensor& q, const at::Tensor& k, const std::optional<at::Tensor>& q_weight,
    const std::optional<at::Tensor>& k_weight, const std::optional<at::Tensor>& rotation,
    double eps);

/// The same of one tensor.
RADIAL_API at::Tensor norm_rotary(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                                  const std::optional<at::Tensor>& rotation, double eps);

/// layer_norm(x) * (scale_offset + scale) + shift of x [B, S, E] float32, in `dtype` (default
/// float32). scale and shift: [E], [B, E] or [B, 1, E] float32.
RADIAL_API at::Tensor layer_norm_modulated(const at::Tensor& x, const at::Tensor& scale,
                                           const at::Tensor& shift, double eps,
                                           double scale_offset = 1,
                                           std::optional<at::ScalarType> dtype = {});

/// (y, layer_norm_modulated(y, ...)) of y = x + branch * gate, or x + branch without a gate: branch
/// [B, S, E], in whose type the second result comes; gate as scale.
RADIAL_API std::tuple<at::Tensor, at::Tensor> residual_layer_norm(
    const at::Tensor& x, const at::Tensor& branch, const std::optional<at::Tensor>& gate,
    const at::Tensor& scale, const at::Tensor& shift, double eps, double scale_offset = 1);

/// x + branch * gate of x [B, S, E] float32, branch [B, S, E], gate as scale above; float32.
RADIAL_API at::Tensor gated_residual(const at::Tensor& x, const at::Tensor& branch,
                                     const at::Tensor& gate);

}  // namespace radial::torch_ops
