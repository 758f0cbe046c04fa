#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

#include "video/checkpoint/model_config.h"
#include "video/checkpoint/tensor_source.h"
#include "video/nn/attention.h"
#include "video/nn/linear.h"
#include "video/nn/token_ops.h"

namespace radial::video {

/// Keys and values of the text for one block's cross-attention, [B, L, H, D] each: the same at
/// every step of a run.
struct TextKeysValues {
  at::Tensor keys, values;
};

/// One block of the Wan transformer: self-attention, cross-attention to the text, feed-forward.
/// Layer norms, modulation and the residual stream are float32, whatever the weights are.
class WanBlock {
 public:
  WanBlock(const WanConfig& config, const TensorScope& scope);

  /// Gives each projection of both attentions a change of that rank (Linear::add_adapter); appends
  /// the new tensors to `parameters`.
  void add_adapters(std::int64_t rank, std::vector<at::Tensor>& parameters);

  /// Of the projected text [B, L, E].
  TextKeysValues text_keys_values(const at::Tensor& text) const;

  /// `hidden` [B, S, E] float32, `modulation` [B, 6, E] float32, `rotary` complex [S, D / 2]. What
  /// the feed-forward adds is left to the next block, whose first norm then reads memory once for
  /// both; `settled` adds it.
  PendingResidual forward(PendingResidual hidden, const at::Tensor& modulation,
                          const TextKeysValues& text, const at::Tensor& rotary,
                          const LayerAttention& attention, std::size_t layer) const;

 private:
  struct Projections {
    Linear query, key, value, out;
    at::Tensor norm_query, norm_key;  // [E]; undefined without qk norm
  };

  Projections load_projections(const TensorScope& scope) const;
  at::Tensor heads(const at::Tensor& projected) const;
  at::Tensor self_attention(const at::Tensor& input, const at::Tensor& rotary,
                            const LayerAttention& attention, std::size_t layer) const;
  at::Tensor cross_attention(const at::Tensor& input, const TextKeysValues& text) const;
  at::Tensor feed_forward(const at::Tensor& input) const;

  std::int64_t num_heads_, dim_;
  bool qk_norm_;
  double eps_;
  at::Tensor modulation_;  // [1, 6, E] float32
  Projections self_, cross_;
  at::Tensor cross_norm_weight_, cross_norm_bias_;  // [E] float32; undefined: no norm
  Linear widen_, narrow_;
};

}  // namespace radial::video
