#pragma once

#include "video/checkpoint/model_config.h"

namespace radial::video {

/// The sizes of the transformer in tests/parity/data/wan_transformer.safetensors.
inline WanConfig wan_transformer_config() {
  WanConfig config;
  config.num_attention_heads = 2;
  config.attention_head_dim = 16;
  config.in_channels = 6;
  config.out_channels = 4;
  config.text_dim = 10;
  config.freq_dim = 24;
  config.ffn_dim = 40;
  config.num_layers = 2;
  config.rope_max_seq_len = 32;
  return config;
}

}  // namespace radial::video
