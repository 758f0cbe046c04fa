#pragma once

#include <cstdint>

#include "video/checkpoint/model_config.h"

namespace radial::video {

/// Floating-point operations of one forward pass of a Wan transformer, a multiply-add being two.
struct WanCost {
  double self_attention = 0;  ///< scores and weighted sums of all pairs of tokens: 4 n^2 E a layer
  double rest = 0;            ///< projections, cross-attention, feed-forward; norms are not counted
};

/// For one video of `num_tokens` tokens.
WanCost wan_cost(const WanConfig& config, std::int64_t num_tokens);

}  // namespace radial::video
