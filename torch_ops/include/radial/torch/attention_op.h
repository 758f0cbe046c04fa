#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

#include "radial/torch/plan_handle.h"

// The operators of torch.ops.radial as C++ functions; each goes through torch's dispatcher, so that
// autograd, autocast and tracing see them. B batch, Sq / Sk tokens, H heads, Hkv key heads (divide
// H), D head dim. Tensors may have any strides as long as the last dimension is contiguous; the
// results lie in memory as q, k and v do (BSHD or BHSD). Errors: c10::ValueError names a bad
// argument, c10::NotImplementedError says why no implementation can serve a good one.

namespace radial::torch_ops {

/// What attention gives: out [B, Sq, H, D] and lse [B, H, Sq] (float32, float64 for float64; the
/// natural logarithm of the sum of exp(scale * score), -inf for a query that sees no key).
using AttentionResult = std::tuple<at::Tensor, at::Tensor>;

/// Differentiable in q [B, Sq, H, D], k and v [B, Sk, Hkv, D]; once, and through `out` alone. Under
/// autocast q, k and v are cast to its type. `text_lengths` [B] integers: valid text tokens of each
/// sample. `scale` defaults to 1 / sqrt(D).
RADIAL_API AttentionResult attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const PlanPtr& plan, std::optional<double> scale = {},
                                     const std::optional<at::Tensor>& text_lengths = {});

/// The forward alone: no gradient, no autocast.
RADIAL_API AttentionResult attention_forward(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, const PlanPtr& plan,
                                             std::optional<double> scale = {},
                                             const std::optional<at::Tensor>& text_lengths = {});

/// (dq, dk, dv) from dout, the forward's inputs and its results.
RADIAL_API std::tuple<at::Tensor, at::Tensor, at::Tensor> attention_backward(
    const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
    const at::Tensor& out, const at::Tensor& lse, const PlanPtr& plan,
    std::optional<double> scale = {}, const std::optional<at::Tensor>& text_lengths = {});

/// Joins the results over two disjoint sets of keys into the result over their union.
RADIAL_API AttentionResult merge(const at::Tensor& out_a, const at::Tensor& lse_a,
                                 const at::Tensor& out_b, const at::Tensor& lse_b);

}  // namespace radial::torch_ops
