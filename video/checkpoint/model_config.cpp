#include "video/checkpoint/model_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

using nlohmann::json;

// No size of a real model is near these, and products of the sizes of one weight fit in 63 bits.
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLayers = 4096;
constexpr std::int64_t kMaxPatch = 64;
constexpr std::size_t kMaxVaeLevels = 8;
constexpr std::int64_t kMaxVaeBlocks = 64;
constexpr std::int64_t kMaxMultiple = 256;

// The values of a config, each checked as it is read. A key that is absent or null leaves the
// default.
class ConfigReader {
 public:
  ConfigReader(const std::string& text, std::string source)
      : source_(std::move(source)), values_(parse_json_object(text, source_)) {}

  bool has(const char* key) const { return values_.contains(key) && !values_.at(key).is_null(); }

  void require_class(const char* key, std::initializer_list<const char*> accepted) const {
    if (!has(key)) return;
    for (const char* name : accepted) {
      if (values_.at(key) == name) return;
    }
    fail(key, concat("expected ", *accepted.begin()));
  }

  void read_extent(const char* key, std::int64_t& value, std::int64_t least = 1,
                   std::int64_t most = kMaxExtent) const {
    if (has(key)) value = extent(key, values_.at(key), least, most);
  }

  void read_optional_extent(const char* key, std::optional<std::int64_t>& value) const {
    if (has(key)) value = extent(key, values_.at(key), 1, kMaxExtent);
  }

  void read_flag(const char* key, bool& value) const {
    if (!has(key)) return;
    if (!values_.at(key).is_boolean()) fail(key, "expected true or false");
    value = values_.at(key).get<bool>();
  }

  void read_number(const char* key, double& value) const {
    if (has(key)) value = number(key, values_.at(key));
  }

  void read_extents(const char* key, std::vector<std::int64_t>& list, std::int64_t most) const {
    if (!has(key)) return;
    list.clear();
    for (const json& item : items(key)) list.push_back(extent(key, item, 1, most));
  }

  void read_flags(const char* key, std::vector<bool>& list) const {
    if (!has(key)) return;
    list.clear();
    for (const json& item : items(key)) {
      if (!item.is_boolean()) fail(key, "expected a list of true and false");
      list.push_back(item.get<bool>());
    }
  }

  void read_numbers(const char* key, std::vector<double>& list) const {
    if (!has(key)) return;
    list.clear();
    for (const json& item : items(key)) list.push_back(number(key, item));
  }

  // A size that follows from several values, of which `key` is one.
  void require_product(const char* key, std::int64_t product) const {
    if (product > kMaxExtent) fail(key, concat("expected at most ", kMaxExtent, " in all"));
  }

  // Reads a value that may only be this one.
  void require_text(const char* key, const char* expected) const {
    if (has(key) && values_.at(key) != expected) fail(key, concat("expected ", expected));
  }

  bool equals(const char* key, const char* text) const {
    return has(key) && values_.at(key) == text;
  }

  [[noreturn]] void fail(const char* key, const std::string& expected) const {
    throw FormatError(concat(source_, ": ", key, ": ", expected, ", got ",
                             has(key) ? printable(values_.at(key).dump()) : "nothing"));
  }

 private:
  const json& items(const char* key) const {
    const json& list = values_.at(key);
    if (!list.is_array() || list.size() > 4096) fail(key, "expected a list");
    return list;
  }

  std::int64_t extent(const char* key, const json& value, std::int64_t least,
                      std::int64_t most) const {
    if (!value.is_number_integer() || value.get<std::int64_t>() < least ||
        value.get<std::int64_t>() > most) {
      fail(key, concat("expected a whole number from ", least, " to ", most));
    }
    return value.get<std::int64_t>();
  }

  double number(const char* key, const json& value) const {
    if (!value.is_number() || !std::isfinite(value.get<double>())) fail(key, "expected a number");
    return value.get<double>();
  }

  std::string source_;
  json values_;
};

void read_official_wan(const ConfigReader& reader, WanConfig& config) {
  std::int64_t dim = config.dim();
  reader.read_extent("dim", dim);
  reader.read_extent("num_heads", config.num_attention_heads);
  if (dim % config.num_attention_heads != 0) {
    reader.fail("num_heads", concat("expected a divisor of dim = ", dim));
  }
  config.attention_head_dim = dim / config.num_attention_heads;
  reader.read_extent("in_dim", config.in_channels);
  reader.read_extent("out_dim", config.out_channels);
  if (reader.equals("model_type", "i2v") || reader.equals("model_type", "flf2v")) {
    config.image_dim = 1280;
    config.added_kv_proj_dim = dim;
    if (reader.equals("model_type", "flf2v")) config.pos_embed_seq_len = 2 * 257;
  }
}

void read_diffusers_wan(const ConfigReader& reader, WanConfig& config) {
  reader.read_extent("num_attention_heads", config.num_attention_heads);
  reader.read_extent("attention_head_dim", config.attention_head_dim);
  reader.read_extent("in_channels", config.in_channels);
  reader.read_extent("out_channels", config.out_channels);
  reader.read_optional_extent("image_dim", config.image_dim);
  reader.read_optional_extent("added_kv_proj_dim", config.added_kv_proj_dim);
  reader.read_optional_extent("pos_embed_seq_len", config.pos_embed_seq_len);
  reader.read_extent("rope_max_seq_len", config.rope_max_seq_len);
  reader.require_text("qk_norm", "rms_norm_across_heads");
  std::vector<std::int64_t> patch(config.patch_size.begin(), config.patch_size.end());
  reader.read_extents("patch_size", patch, kMaxPatch);
  if (patch.size() != config.patch_size.size()) reader.fail("patch_size", "expected three numbers");
  std::copy(patch.begin(), patch.end(), config.patch_size.begin());
}

}  // namespace

WanConfig parse_wan_config(const std::string& text, const std::string& source) {
  const ConfigReader reader(text, source);
  reader.require_class("_class_name", {"WanTransformer3DModel", "WanModel"});
  WanConfig config;
  if (reader.has("dim")) {
    read_official_wan(reader, config);
  } else {
    read_diffusers_wan(reader, config);
  }
  reader.read_extent("text_dim", config.text_dim);
  reader.read_extent("text_len", config.text_len);
  reader.read_extent("freq_dim", config.freq_dim, 2);
  reader.read_extent("ffn_dim", config.ffn_dim);
  reader.read_extent("num_layers", config.num_layers, 1, kMaxLayers);
  reader.read_flag("cross_attn_norm", config.cross_attn_norm);
  reader.read_number("eps", config.eps);
  if (config.freq_dim % 2 != 0) reader.fail("freq_dim", "expected an even number");
  if (config.attention_head_dim % 2 != 0) {
    reader.fail("attention_head_dim", "expected an even number per head");
  }
  reader.require_product("num_attention_heads", config.dim());
  return config;
}

WanVaeConfig official_wan_vae_config() {
  WanVaeConfig config;
  // Statistics of the latents over the training data: Wan-Video/Wan2.1 wan/modules/vae.py.
  config.latents_mean = {-0.7571, -0.7089, -0.9113, 0.1075,  -0.1745, 0.9653,  -0.1517, 1.5508,
                         0.4134,  -0.0715, 0.5517,  -0.3632, -0.1922, -0.9497, 0.2503,  -0.2921};
  config.latents_std = {2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
                        3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160};
  return config;
}

WanVaeConfig parse_wan_vae_config(const std::string& text, const std::string& source) {
  const ConfigReader reader(text, source);
  reader.require_class("_class_name", {"AutoencoderKLWan"});
  bool is_residual = false;
  reader.read_flag("is_residual", is_residual);
  if (is_residual) reader.fail("is_residual", "expected false (the VAE of Wan 2.2 is not known)");
  WanVaeConfig config = official_wan_vae_config();
  reader.read_extent("base_dim", config.base_dim);
  config.decoder_base_dim = config.base_dim;
  reader.read_extent("decoder_base_dim", config.decoder_base_dim);
  reader.read_extent("z_dim", config.z_dim);
  reader.read_extent("in_channels", config.in_channels);
  reader.read_extent("out_channels", config.out_channels);
  reader.read_extents("dim_mult", config.dim_mult, kMaxMultiple);
  reader.read_extent("num_res_blocks", config.num_res_blocks, 1, kMaxVaeBlocks);
  reader.read_flags("temperal_downsample", config.temporal_downsample);
  reader.read_numbers("latents_mean", config.latents_mean);
  reader.read_numbers("latents_std", config.latents_std);
  if (config.dim_mult.empty() || config.dim_mult.size() > kMaxVaeLevels) {
    reader.fail("dim_mult", concat("expected 1 to ", kMaxVaeLevels, " numbers"));
  }
  for (const std::int64_t multiple : config.dim_mult) {
    reader.require_product("dim_mult",
                           multiple * std::max(config.base_dim, config.decoder_base_dim));
  }
  if (config.temporal_downsample.size() + 1 != config.dim_mult.size()) {
    reader.fail("temperal_downsample", "expected one less than dim_mult has");
  }
  const auto channels = static_cast<std::size_t>(config.z_dim);
  if (config.latents_mean.size() != channels) reader.fail("latents_mean", "expected z_dim numbers");
  if (config.latents_std.size() != channels) reader.fail("latents_std", "expected z_dim numbers");
  for (const double deviation : config.latents_std) {
    if (!(deviation > 0)) reader.fail("latents_std", "expected numbers above 0");
  }
  return config;
}

Umt5Config parse_umt5_config(const std::string& text, const std::string& source) {
  const ConfigReader reader(text, source);
  reader.require_class("model_type", {"umt5"});
  reader.require_text("feed_forward_proj", "gated-gelu");
  Umt5Config config;
  reader.read_extent("vocab_size", config.vocab_size);
  reader.read_extent("d_model", config.d_model);
  reader.read_extent("d_kv", config.d_kv);
  reader.read_extent("d_ff", config.d_ff);
  reader.read_extent("num_layers", config.num_layers, 1, kMaxLayers);
  reader.read_extent("num_heads", config.num_heads);
  reader.require_product("num_heads", config.num_heads * config.d_kv);
  reader.read_extent("relative_attention_num_buckets", config.relative_attention_num_buckets, 4);
  reader.read_extent("relative_attention_max_distance", config.relative_attention_max_distance, 2);
  reader.read_number("layer_norm_epsilon", config.layer_norm_epsilon);
  if (config.relative_attention_max_distance <= config.relative_attention_num_buckets / 4) {
    reader.fail("relative_attention_max_distance", "expected more than a quarter of the buckets");
  }
  return config;
}

}  // namespace radial::video
