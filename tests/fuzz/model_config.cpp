// Bytes -> the config.json of each network: refused in one line, or sizes that a model can have.

#include "video/checkpoint/model_config.h"

#include <string>

#include "read_law.h"

namespace radial::testing {
namespace {

/// Sizes are multiplied with each other (a weight's elements and bytes), and must leave room.
void holds_size(std::int64_t size) { RADIAL_HOLDS(size >= 1 && size <= 1 << 20); }

void run(const std::string& text) {
  reads([&] {
    const video::WanConfig config = video::parse_wan_config(text, "config.json");
    for (const std::int64_t size :
         {config.dim(), config.ffn_dim, config.text_dim, config.freq_dim, config.in_channels,
          config.out_channels, config.num_layers, config.text_len, config.image_dim.value_or(1)}) {
      holds_size(size);
    }
    RADIAL_HOLDS(config.attention_head_dim % 2 == 0 && config.freq_dim % 2 == 0);
    RADIAL_HOLDS(config.dim() == config.attention_head_dim * config.num_attention_heads);
    for (const std::int64_t size : config.patch_size) RADIAL_HOLDS(size >= 1 && size <= 64);
  });
  reads([&] {
    const video::WanVaeConfig config = video::parse_wan_vae_config(text, "config.json");
    RADIAL_HOLDS(!config.dim_mult.empty() && config.dim_mult.size() <= 8);
    RADIAL_HOLDS(config.temporal_downsample.size() + 1 == config.dim_mult.size());
    RADIAL_HOLDS(config.latents_mean.size() == static_cast<std::size_t>(config.z_dim));
    RADIAL_HOLDS(config.latents_std.size() == config.latents_mean.size());
    for (const std::int64_t multiple : config.dim_mult) {
      holds_size(multiple * config.base_dim);
      holds_size(multiple * config.decoder_base_dim);
    }
    for (const double deviation : config.latents_std) RADIAL_HOLDS(deviation > 0);
  });
  reads([&] {
    const video::Umt5Config config = video::parse_umt5_config(text, "config.json");
    for (const std::int64_t size : {config.vocab_size, config.d_model, config.d_ff,
                                    config.num_layers, config.num_heads * config.d_kv}) {
      holds_size(size);
    }
    // The logarithmic half of the buckets begins at a quarter.
    RADIAL_HOLDS(config.relative_attention_max_distance >
                 config.relative_attention_num_buckets / 4);
  });
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
