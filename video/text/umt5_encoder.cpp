#include "video/text/umt5_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <limits>

#include "radial/base/error.h"
#include "video/nn/interruption.h"
#include "video/nn/transfer.h"

namespace radial::video {

Umt5Encoder::Umt5Encoder(const Umt5Config& config, TensorSource& source) : config_(config) {
  const TensorScope root(source);
  embedding_ = root.tensor("shared.weight", {config.vocab_size, config.d_model});
  for (std::int64_t index = 0; index < config.num_layers; ++index) {
    layers_.push_back(load_layer(root / "encoder.block" / std::to_string(index), config));
  }
  final_norm_ = root.tensor("encoder.final_layer_norm.weight", {config.d_model});
  source.finish();
}

Umt5Encoder::Layer Umt5Encoder::load_layer(const TensorScope& block, const Umt5Config& config) {
  const TensorScope attention = block / "layer.0.SelfAttention";
  const TensorScope feed_forward = block / "layer.1.DenseReluDense";
  const std::int64_t dim = config.d_model;
  const std::int64_t inner = config.num_heads * config.d_kv;
  Layer layer;
  layer.attention_norm = block.tensor("layer.0.layer_norm.weight", {dim});
  layer.q = attention.tensor("q.weight", {inner, dim});
  layer.k = attention.tensor("k.weight", {inner, dim});
  layer.v = attention.tensor("v.weight", {inner, dim});
  layer.o = attention.tensor("o.weight", {dim, inner});
  layer.relative_bias = attention.tensor("relative_attention_bias.weight",
                                         {config.relative_attention_num_buckets, config.num_heads});
  layer.feed_forward_norm = block.tensor("layer.1.layer_norm.weight", {dim});
  layer.gate = feed_forward.tensor("wi_0.weight", {config.d_ff, dim});
  layer.widen = feed_forward.tensor("wi_1.weight", {config.d_ff, dim});
  const bool is_half = layer.widen.scalar_type() == at::kHalf;
  layer.narrow = feed_forward.tensor("wo.weight", {dim, config.d_ff},
                                     is_half ? std::optional(at::kFloat) : std::nullopt);
  return layer;
}

at::Tensor Umt5Encoder::norm(const at::Tensor& hidden, const at::Tensor& weight) const {
  const at::Tensor wide = hidden.to(at::kFloat);
  const at::Tensor mean_square = wide.pow(2).mean(-1, /*keepdim=*/true);
  return weight * (wide * at::rsqrt(mean_square + config_.layer_norm_epsilon)).to(weight.dtype());
}

at::Tensor Umt5Encoder::attention(const Layer& layer, const at::Tensor& hidden,
                                  const at::Tensor& buckets,
                                  const at::Tensor& maybe_padding) const {
  const auto split = [&](const at::Tensor& weight) {  // [B, H, n, d_kv]
    return at::linear(hidden, weight)
        .view({hidden.size(0), hidden.size(1), config_.num_heads, config_.d_kv})
        .transpose(1, 2);
  };
  const at::Tensor bias = at::embedding(layer.relative_bias, buckets).permute({2, 0, 1});
  at::Tensor scores = at::matmul(split(layer.q), split(layer.k).transpose(2, 3)) + bias;
  if (maybe_padding.defined()) {
    const at::Tensor hidden_keys = maybe_padding.unsqueeze(1).unsqueeze(1);  // [B, 1, 1, n]
    scores = scores.masked_fill(hidden_keys, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor weights = at::softmax(scores.to(at::kFloat), -1).to(scores.dtype());
  const at::Tensor merged =
      at::matmul(weights, split(layer.v)).transpose(1, 2).flatten(2);  // [B, n, H * d_kv]
  return at::linear(merged, layer.o);
}

at::Tensor Umt5Encoder::feed_forward(const Layer& layer, const at::Tensor& hidden) const {
  const at::Tensor gate = at::gelu(at::linear(hidden, layer.gate), "tanh");
  const at::Tensor inner = gate * at::linear(hidden, layer.widen);
  return at::linear(inner.to(layer.narrow.dtype()), layer.narrow);
}

at::Tensor Umt5Encoder::forward(const at::Tensor& ids) const { return run_layers(ids, {}); }

at::Tensor Umt5Encoder::forward(const at::Tensor& ids,
                                const std::vector<std::int64_t>& num_tokens) const {
  RADIAL_REQUIRE(ids.dim() == 2 && ids.size(0) == static_cast<std::int64_t>(num_tokens.size()),
                 "ids: expected [", num_tokens.size(), ", n], a row for each token count, got ",
                 ids.sizes());
  for (const std::int64_t count : num_tokens) {
    RADIAL_REQUIRE(count >= 1 && count <= ids.size(1), "num_tokens: expected 1 to ", ids.size(1),
                   ", got ", count);
  }
  const at::Tensor counts = sent_to(at::tensor(num_tokens, at::kLong), ids.device()).unsqueeze(1);
  const at::Tensor padding = at::arange(ids.size(1), ids.options()) >= counts;  // [B, n]
  return run_layers(ids, padding).masked_fill(padding.unsqueeze(-1), 0);
}

at::Tensor Umt5Encoder::run_layers(const at::Tensor& ids, const at::Tensor& maybe_padding) const {
  const at::Tensor buckets =
      sent_to(relative_position_buckets(ids.size(1), config_.relative_attention_num_buckets,
                                        config_.relative_attention_max_distance),
              ids.device());
  at::Tensor hidden = at::embedding(embedding_, ids);
  for (const Layer& layer : layers_) {
    stop_if_requested();
    hidden = hidden + attention(layer, norm(hidden, layer.attention_norm), buckets, maybe_padding);
    hidden = hidden + feed_forward(layer, norm(hidden, layer.feed_forward_norm));
  }
  return norm(hidden, final_norm_).to(embedding_.dtype());
}

at::Tensor relative_position_buckets(std::int64_t num_tokens, std::int64_t num_buckets,
                                     std::int64_t max_distance) {
  const std::int64_t per_direction = num_buckets / 2;
  const std::int64_t num_exact = per_direction / 2;
  const at::Tensor position = at::arange(num_tokens, at::kLong);
  const at::Tensor offset = position.unsqueeze(0) - position.unsqueeze(1);
  const at::Tensor distance = offset.abs();
  // In float32 and in this order, as the models were trained: other roundings move the borders.
  const double range = std::log(static_cast<double>(max_distance) / static_cast<double>(num_exact));
  const at::Tensor logarithm =
      (distance.to(at::kFloat) / num_exact).log() / range * (per_direction - num_exact);
  const at::Tensor wide =
      at::minimum(num_exact + logarithm.to(at::kLong), at::full_like(distance, per_direction - 1));
  return (offset > 0).to(at::kLong) * per_direction +
         at::where(distance < num_exact, distance, wide);
}

}  // namespace radial::video
