#include "video/models/wan/wan_block.h"

#include <ATen/TensorOperators.h>

#include <utility>

namespace radial::video {

WanBlock::WanBlock(const WanConfig& config, const TensorScope& scope)
    : num_heads_(config.num_attention_heads),
      dim_(config.dim()),
      qk_norm_(config.qk_norm),
      eps_(config.eps),
      modulation_(scope.tensor("scale_shift_table", {1, 6, config.dim()}, at::kFloat)),
      self_(load_projections(scope / "attn1")),
      cross_(load_projections(scope / "attn2")),
      widen_(Linear::load(scope, "ffn.net.0.proj", config.ffn_dim, config.dim())),
      narrow_(Linear::load(scope, "ffn.net.2", config.dim(), config.ffn_dim)) {
  if (config.cross_attn_norm) {
    const TensorScope norm = scope / "norm2";
    cross_norm_weight_ = norm.tensor("weight", {dim_}, at::kFloat);
    cross_norm_bias_ = norm.tensor("bias", {dim_}, at::kFloat);
  }
}

WanBlock::Projections WanBlock::load_projections(const TensorScope& scope) const {
  Projections loaded{.query = Linear::load(scope, "to_q", dim_, dim_),
                     .key = Linear::load(scope, "to_k", dim_, dim_),
                     .value = Linear::load(scope, "to_v", dim_, dim_),
                     .out = Linear::load(scope, "to_out.0", dim_, dim_),
                     .norm_query = {},
                     .norm_key = {}};
  if (qk_norm_) {
    loaded.norm_query = scope.tensor("norm_q.weight", {dim_});
    loaded.norm_key = scope.tensor("norm_k.weight", {dim_});
  }
  return loaded;
}

// [B, S, E] -> [B, S, H, D].
at::Tensor WanBlock::heads(const at::Tensor& projected) const {
  return projected.unflatten(-1, {num_heads_, dim_ / num_heads_});
}

void WanBlock::add_adapters(std::int64_t rank, std::vector<at::Tensor>& parameters) {
  for (Projections* const side : {&self_, &cross_}) {
    for (Linear* const linear : {&side->query, &side->key, &side->value, &side->out}) {
      linear->add_adapter(rank);
      parameters.insert(parameters.end(), {linear->down, linear->up});
    }
  }
}

TextKeysValues WanBlock::text_keys_values(const at::Tensor& text) const {
  return {normed_heads(heads(cross_.key(text)), cross_.norm_key, eps_), heads(cross_.value(text))};
}

at::Tensor WanBlock::self_attention(const at::Tensor& input, const at::Tensor& rotary,
                                    const LayerAttention& attention, std::size_t layer) const {
  const auto [query, key] = normed_rotated(heads(self_.query(input)), heads(self_.key(input)),
                                           self_.norm_query, self_.norm_key, rotary, eps_);
  const at::Tensor value = heads(self_.value(input));
  return self_.out(attention(layer, query, key, value).flatten(2));
}

at::Tensor WanBlock::cross_attention(const at::Tensor& input, const TextKeysValues& text) const {
  const at::Tensor query = normed_heads(heads(cross_.query(input)), cross_.norm_query, eps_);
  return cross_.out(dense_attention(query, text.keys, text.values).flatten(2));
}

at::Tensor WanBlock::feed_forward(const at::Tensor& input) const {
  return narrow_(widen_.with_gelu(input));
}

PendingResidual WanBlock::forward(PendingResidual hidden, const at::Tensor& modulation,
                                  const TextKeysValues& text, const at::Tensor& rotary,
                                  const LayerAttention& attention, std::size_t layer) const {
  const at::ScalarType dtype = widen_.weight.scalar_type();
  // Each [B, 1, E]: shift, scale and gate of self-attention, then of the feed-forward.
  const std::vector<at::Tensor> m = (modulation_ + modulation).chunk(6, 1);

  StreamAndNormed state = settle_then_modulate(hidden, m[0], m[1], eps_, dtype);
  hidden = {};  // its memory serves the next tensors
  at::Tensor branch = self_attention(state.normed, rotary, attention, layer);
  if (cross_norm_weight_.defined()) {
    state =
        add_gated_then_norm(state.stream, branch, m[2], cross_norm_weight_, cross_norm_bias_, eps_);
  } else {
    state.stream = add_gated(state.stream, branch, m[2]);
    state.normed = state.stream.to(dtype);
  }
  branch = cross_attention(state.normed, text);
  state = add_then_modulate(state.stream, branch, m[3], m[4], eps_);
  return {state.stream, feed_forward(state.normed), m[5]};
}

}  // namespace radial::video
