#include "video/pipeline/wan_cost.h"

namespace radial::video {

WanCost wan_cost(const WanConfig& config, std::int64_t num_tokens) {
  const auto n = static_cast<double>(num_tokens);
  const auto dim = static_cast<double>(config.dim());
  const auto layers = static_cast<double>(config.num_layers);
  // q, k, v and out of self-attention, q and out of cross-attention; the text's keys and values are
  // made once a run.
  const double projections = 2 * n * 6 * dim * dim;
  const double cross = 4 * n * static_cast<double>(config.text_len) * dim;
  const double feed_forward = 4 * n * dim * static_cast<double>(config.ffn_dim);
  return {.self_attention = layers * 4 * n * n * dim,
          .rest = layers * (projections + cross + feed_forward)};
}

}  // namespace radial::video
