#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace radial::video {

/// Sizes of a Wan diffusion transformer; names as in the diffusers config.json.
struct WanConfig {
  std::array<std::int64_t, 3> patch_size{1, 2, 2};  ///< frames, rows, columns of a token
  std::int64_t num_attention_heads = 40;
  std::int64_t attention_head_dim = 128;
  std::int64_t in_channels = 16;
  std::int64_t out_channels = 16;
  std::int64_t text_dim = 4096;
  std::int64_t text_len = 512;  ///< text tokens after padding; in the official config only
  std::int64_t freq_dim = 256;
  std::int64_t ffn_dim = 13824;
  std::int64_t num_layers = 40;
  bool cross_attn_norm = true;
  bool qk_norm = true;  ///< RMS norm over the full width of q and k
  double eps = 1e-6;
  std::int64_t rope_max_seq_len = 1024;
  std::optional<std::int64_t> image_dim;          ///< width of the CLIP features, image models only
  std::optional<std::int64_t> added_kv_proj_dim;  ///< width of the added keys and values, likewise
  std::optional<std::int64_t> pos_embed_seq_len;  ///< learned positions of first-last-frame models

  std::int64_t dim() const { return num_attention_heads * attention_head_dim; }
};

/// Sizes of a Wan 2.1 VAE; names as in the diffusers config.json.
struct WanVaeConfig {
  std::int64_t base_dim = 96;
  std::int64_t decoder_base_dim = 96;
  std::int64_t z_dim = 16;
  std::int64_t in_channels = 3;   ///< colour channels of the encoder's input
  std::int64_t out_channels = 3;  ///< colour channels of the decoder's output
  std::vector<std::int64_t> dim_mult{1, 2, 4, 4};
  std::int64_t num_res_blocks = 2;
  std::vector<bool> temporal_downsample{false, true, true};
  std::vector<double> latents_mean;  ///< [z_dim]
  std::vector<double> latents_std;   ///< [z_dim]
};

/// Sizes of a UMT5 encoder; names as in the transformers config.json.
struct Umt5Config {
  std::int64_t vocab_size = 256384;
  std::int64_t d_model = 4096;
  std::int64_t d_kv = 64;
  std::int64_t d_ff = 10240;
  std::int64_t num_layers = 24;
  std::int64_t num_heads = 64;
  std::int64_t relative_attention_num_buckets = 32;
  std::int64_t relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
};

/// Read from the text of a config.json, of diffusers or of the official repositories; `source`
/// names the text in messages. Throws FormatError for broken JSON, another model's class, a value
/// of the wrong type or one outside its range, naming the key.
WanConfig parse_wan_config(const std::string& json, const std::string& source);
WanVaeConfig parse_wan_vae_config(const std::string& json, const std::string& source);
Umt5Config parse_umt5_config(const std::string& json, const std::string& source);

/// The VAE that the official repositories ship without a config.json: Wan 2.1's.
WanVaeConfig official_wan_vae_config();

}  // namespace radial::video
