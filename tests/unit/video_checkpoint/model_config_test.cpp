#include "video/checkpoint/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"

namespace radial::video {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ModelConfig, ReadsTheOfficialConfigOfATransformer) {
  const WanConfig config = parse_wan_config(
      R"({"_class_name":"WanModel","dim":1536,"eps":1e-6,"ffn_dim":8960,"freq_dim":256,"in_dim":16,
          "model_type":"t2v","num_heads":12,"num_layers":30,"out_dim":16,"text_len":512})",
      "config.json");
  EXPECT_EQ(config.dim(), 1536);
  EXPECT_EQ(config.attention_head_dim, 128);
  EXPECT_EQ(config.num_layers, 30);
  EXPECT_EQ(config.text_dim, 4096);
  EXPECT_FALSE(config.image_dim.has_value());
}

TEST(ModelConfig, AnOfficialImageModelHasTheImageBranch) {
  const WanConfig config = parse_wan_config(
      R"({"dim":5120,"num_heads":40,"in_dim":36,"model_type":"i2v"})", "config.json");
  EXPECT_EQ(config.image_dim, 1280);
  EXPECT_EQ(config.added_kv_proj_dim, 5120);
}

TEST(ModelConfig, ReadsTheDiffusersConfigOfATransformer) {
  const WanConfig config = parse_wan_config(
      R"({"_class_name":"WanTransformer3DModel","num_attention_heads":3,"attention_head_dim":24,
          "patch_size":[1,2,4],"text_dim":7,"image_dim":null,"qk_norm":"rms_norm_across_heads",
          "rope_max_seq_len":64,"cross_attn_norm":false})",
      "config.json");
  EXPECT_EQ(config.dim(), 72);
  EXPECT_THAT(config.patch_size, ElementsAre(1, 2, 4));
  EXPECT_EQ(config.text_dim, 7);
  EXPECT_EQ(config.rope_max_seq_len, 64);
  EXPECT_FALSE(config.cross_attn_norm);
}

TEST(ModelConfig, NamesTheKeyThatIsWrong) {
  const auto error = [](const std::string& text) {
    return message_of<FormatError>([&] { parse_wan_config(text, "c.json"); });
  };
  EXPECT_THAT(error("{"), HasSubstr("c.json: no valid JSON"));
  EXPECT_THAT(error(R"({"_class_name":"MochiTransformer3DModel"})"), HasSubstr("_class_name"));
  EXPECT_THAT(error(R"({"num_layers":0})"), HasSubstr("num_layers: expected a whole number"));
  EXPECT_THAT(error(R"({"num_layers":1e9})"), HasSubstr("num_layers"));
  EXPECT_THAT(error(R"({"ffn_dim":"wide"})"), HasSubstr("ffn_dim"));
  EXPECT_THAT(error(R"({"dim":100,"num_heads":3})"), HasSubstr("divisor of dim = 100"));
  EXPECT_THAT(error(R"({"patch_size":[1,2]})"), HasSubstr("patch_size: expected three numbers"));
  EXPECT_THAT(error(R"({"qk_norm":"layer_norm"})"), HasSubstr("rms_norm_across_heads"));
  EXPECT_THAT(error(R"({"attention_head_dim":15})"), HasSubstr("even"));
  EXPECT_THAT(error(R"({"num_layers":5000})"), HasSubstr("from 1 to 4096"));
  EXPECT_THAT(error(R"({"num_attention_heads":1048576,"attention_head_dim":1048576})"),
              HasSubstr("num_attention_heads: expected at most 1048576 in all"));
}

TEST(ModelConfig, ReadsAVaesConfig) {
  const WanVaeConfig config = parse_wan_vae_config(
      R"({"_class_name":"AutoencoderKLWan","base_dim":6,"z_dim":2,"dim_mult":[1,2],
          "temperal_downsample":[true],"latents_mean":[0,1],"latents_std":[2,3]})",
      "config.json");
  EXPECT_EQ(config.base_dim, 6);
  EXPECT_EQ(config.decoder_base_dim, 6);
  EXPECT_THAT(config.temporal_downsample, ElementsAre(true));
  EXPECT_THAT(config.latents_std, ElementsAre(2, 3));
  const auto error = [](const std::string& text) {
    return message_of<FormatError>([&] { parse_wan_vae_config(text, "c.json"); });
  };
  EXPECT_THAT(error(R"({"z_dim":4})"), HasSubstr("latents_mean: expected z_dim numbers"));
  EXPECT_THAT(error(R"({"dim_mult":[1,2]})"), HasSubstr("temperal_downsample"));
  EXPECT_THAT(error(R"({"is_residual":true})"), HasSubstr("is_residual"));
  EXPECT_THAT(error(R"({"dim_mult":[1,1,1,1,1,1,1,1,1]})"), HasSubstr("dim_mult"));
}

TEST(ModelConfig, ReadsATextEncodersConfig) {
  const Umt5Config config = parse_umt5_config(
      R"({"model_type":"umt5","d_model":48,"d_kv":16,"num_heads":4,"feed_forward_proj":"gated-gelu"})",
      "config.json");
  EXPECT_EQ(config.d_model, 48);
  EXPECT_EQ(config.d_kv * config.num_heads, 64);
  EXPECT_EQ(config.relative_attention_num_buckets, 32);
  const auto error = [](const std::string& text) {
    return message_of<FormatError>([&] { parse_umt5_config(text, "c.json"); });
  };
  EXPECT_THAT(error(R"({"model_type":"t5"})"), HasSubstr("expected umt5"));
  EXPECT_THAT(error(R"({"feed_forward_proj":"relu"})"), HasSubstr("gated-gelu"));
  EXPECT_THAT(error(R"({"relative_attention_max_distance":8})"), HasSubstr("quarter"));
}

}  // namespace
}  // namespace radial::video
