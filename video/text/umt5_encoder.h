#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "video/checkpoint/model_config.h"
#include "video/checkpoint/tensor_source.h"

namespace radial::video {

/// The encoder of UMT5 (transformers modeling_umt5.py): T5 with a table of relative positions in
/// every layer. Norms and softmax are computed in float32; attention scores are not scaled.
class Umt5Encoder {
 public:
  /// Takes its weights from `source`, in the source's element type, and finishes it. Under float16
  /// the output projections of the feed-forward layers stay float32, whose range they need.
  Umt5Encoder(const Umt5Config& config, TensorSource& source);

  /// Embeddings [B, n, d_model] of token numbers [B, n]; every token is attended to, so `ids` holds
  /// no padding.
  at::Tensor forward(const at::Tensor& ids) const;

  /// The same for texts of different lengths in one batch: text b has `num_tokens[b]` tokens (at
  /// least one) in front of its padding, which nothing attends to and whose rows come out as zeros.
  at::Tensor forward(const at::Tensor& ids, const std::vector<std::int64_t>& num_tokens) const;

  const Umt5Config& config() const { return config_; }

 private:
  struct Layer {
    at::Tensor attention_norm, q, k, v, o;
    at::Tensor relative_bias;  // [num_buckets, H]
    at::Tensor feed_forward_norm, gate, widen, narrow;
  };

  static Layer load_layer(const TensorScope& block, const Umt5Config& config);
  at::Tensor norm(const at::Tensor& hidden, const at::Tensor& weight) const;
  at::Tensor run_layers(const at::Tensor& ids, const at::Tensor& maybe_padding) const;
  at::Tensor attention(const Layer& layer, const at::Tensor& hidden, const at::Tensor& buckets,
                       const at::Tensor& maybe_padding) const;
  at::Tensor feed_forward(const Layer& layer, const at::Tensor& hidden) const;

  Umt5Config config_;
  at::Tensor embedding_;  // [vocab_size, d_model]
  std::vector<Layer> layers_;
  at::Tensor final_norm_;
};

/// Bucket [n, n] of every pair (query, key) by the distance key - query: half of the buckets for
/// either direction, half of those for single distances, the rest for ranges that widen up to
/// `max_distance`.
at::Tensor relative_position_buckets(std::int64_t num_tokens, std::int64_t num_buckets,
                                     std::int64_t max_distance);

}  // namespace radial::video
