#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <utility>
#include <vector>

#include "radial/torch/plan_handle.h"

namespace radial::video {

/// softmax(q k^T / sqrt(D)) v of q [B, Sq, H, D] and k, v [B, Sk, H, D]; gives [B, Sq, H, D].
using AttentionFunction =
    std::function<at::Tensor(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;

/// Every query sees every key: torch's own kernels.
at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// Queries see the keys of the plan's blocks: torch.ops.radial.attention, differentiable.
AttentionFunction planned_attention(torch_ops::PlanPtr plan);

/// Which attention each block of a transformer uses in one pass.
class LayerAttention {
 public:
  /// Dense in every layer.
  LayerAttention() = default;
  /// The same by `dense`.
  explicit LayerAttention(AttentionFunction dense) : dense_(std::move(dense)) {}
  /// `sparse` in every layer but those marked in `dense_layers`, which may be shorter than the
  /// model is deep.
  LayerAttention(AttentionFunction sparse, std::vector<bool> dense_layers,
                 AttentionFunction dense = dense_attention)
      : sparse_(std::move(sparse)),
        dense_(std::move(dense)),
        dense_layers_(std::move(dense_layers)) {}

  bool is_dense(std::size_t layer) const {
    return !sparse_ || (layer < dense_layers_.size() && dense_layers_[layer]);
  }
  at::Tensor operator()(std::size_t layer, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v) const {
    return is_dense(layer) ? dense_(q, k, v) : sparse_(q, k, v);
  }

 private:
  AttentionFunction sparse_;
  AttentionFunction dense_ = dense_attention;
  std::vector<bool> dense_layers_;
};

}  // namespace radial::video
