#include "video/train/initial_weights.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/fixture.h"
#include "video/models/wan/wan_transformer.h"
#include "video/text/umt5_encoder.h"
#include "video/vae/wan_vae.h"

namespace radial::video {
namespace {

WanConfig wan_config() {
  WanConfig config;
  config.num_attention_heads = 4;
  config.attention_head_dim = 32;
  config.text_dim = 96;
  config.freq_dim = 64;
  config.ffn_dim = 384;
  config.num_layers = 2;
  return config;
}

Umt5Config text_config() {
  Umt5Config config;
  config.vocab_size = 300;
  config.d_model = 128;
  config.d_kv = 32;
  config.d_ff = 256;
  config.num_layers = 2;
  config.num_heads = 6;
  return config;
}

WanVaeConfig vae_config() {
  WanVaeConfig config = official_wan_vae_config();
  config.base_dim = config.decoder_base_dim = 8;
  config.num_res_blocks = 1;
  return config;
}

double deviation(const at::Tensor& tensor) { return tensor.std().item<double>(); }

// The deviation of n numbers differs from the law's by a few of 1 / sqrt(2 n).
void expect_normal(const at::Tensor& tensor, double expected) {
  const double slack = 4 * expected / std::sqrt(2.0 * static_cast<double>(tensor.numel()));
  EXPECT_NEAR(deviation(tensor), expected, slack);
  EXPECT_GT(tensor.abs().max().item<double>(), 2 * expected) << "bounded as if uniform";
}

void expect_uniform(const at::Tensor& tensor, double bound) {
  const double extreme = tensor.abs().max().item<double>();
  EXPECT_LE(extreme, bound * (1 + 1e-6));
  if (tensor.numel() < 1000) return;
  EXPECT_GT(extreme, 0.98 * bound);
  EXPECT_NEAR(deviation(tensor), bound / std::sqrt(3.0), 0.05 * bound);
}

void expect_all(const at::Tensor& tensor, double value) {
  EXPECT_TRUE((tensor == value).all().item<bool>());
}

TEST(InitialWeights, OfTheTransformerFollowTheOfficialRules) {
  const NamedTensors weights = initial_weights(wan_config(), 1);
  const std::string block = "blocks.1.";
  expect_uniform(weights.at(block + "attn1.to_q.weight"), std::sqrt(6.0 / (128 + 128)));
  expect_uniform(weights.at(block + "ffn.net.0.proj.weight"), std::sqrt(6.0 / (128 + 384)));
  expect_uniform(weights.at("patch_embedding.weight"), std::sqrt(6.0 / (128 + 16 * 4)));
  expect_uniform(weights.at("patch_embedding.bias"), 1 / std::sqrt(64.0));
  expect_uniform(weights.at("condition_embedder.time_proj.weight"), std::sqrt(6.0 / (128 * 7)));
  // Narrower than the official ones, whose 0.02 would be too faint here.
  expect_normal(weights.at("condition_embedder.text_embedder.linear_1.weight"),
                1 / std::sqrt(96.0));
  expect_normal(weights.at("condition_embedder.time_embedder.linear_2.weight"),
                1 / std::sqrt(128.0));
  WanConfig wide = wan_config();
  wide.text_dim = 4096;
  expect_normal(initial_weights(wide, 1).at("condition_embedder.text_embedder.linear_1.weight"),
                0.02);
  expect_normal(weights.at(block + "scale_shift_table"), 1 / std::sqrt(128.0));
  expect_normal(weights.at("scale_shift_table"), 1 / std::sqrt(128.0));
  expect_all(weights.at("proj_out.weight"), 0);
  expect_all(weights.at("proj_out.bias"), 0);
  expect_all(weights.at(block + "attn2.to_v.bias"), 0);
  expect_all(weights.at(block + "attn1.norm_q.weight"), 1);
  expect_all(weights.at(block + "norm2.weight"), 1);
  expect_all(weights.at(block + "norm2.bias"), 0);
}

TEST(InitialWeights, OfTheTextEncoderFollowT5) {
  const NamedTensors weights = initial_weights(text_config(), 1);
  const std::string block = "encoder.block.1.";
  const std::string attention = block + "layer.0.SelfAttention.";
  expect_normal(weights.at("shared.weight"), 1);
  expect_normal(weights.at(attention + "q.weight"), 1 / std::sqrt(128.0 * 32));
  expect_normal(weights.at(attention + "k.weight"), 1 / std::sqrt(128.0));
  expect_normal(weights.at(attention + "o.weight"), 1 / std::sqrt(6.0 * 32));
  expect_normal(weights.at(attention + "relative_attention_bias.weight"), 1 / std::sqrt(128.0));
  expect_normal(weights.at(block + "layer.1.DenseReluDense.wi_0.weight"), 1 / std::sqrt(128.0));
  expect_normal(weights.at(block + "layer.1.DenseReluDense.wo.weight"), 1 / std::sqrt(256.0));
  expect_all(weights.at(block + "layer.0.layer_norm.weight"), 1);
  expect_all(weights.at("encoder.final_layer_norm.weight"), 1);
}

TEST(InitialWeights, OfTheVaeAreTorchsForConvolutions) {
  const NamedTensors weights = initial_weights(vae_config(), 1);
  const std::string block = "encoder.mid_block.";
  expect_uniform(weights.at(block + "resnets.0.conv1.weight"), 1 / std::sqrt(32.0 * 27));
  expect_uniform(weights.at(block + "resnets.0.conv1.bias"), 1 / std::sqrt(32.0 * 27));
  expect_uniform(weights.at(block + "attentions.0.to_qkv.weight"), 1 / std::sqrt(32.0));
  expect_all(weights.at(block + "attentions.0.proj.weight"), 0);
  expect_all(weights.at(block + "resnets.0.norm1.gamma"), 1);
  EXPECT_GT(deviation(weights.at(block + "resnets.0.conv1.bias")), 0);
}

TEST(InitialWeights, AreWhatTheModelsAskFor) {
  TableSource transformer(initial_weights(wan_config(), 2));
  const WanTransformer dit(wan_config(), transformer);
  transformer.finish();
  TableSource text(initial_weights(text_config(), 2));
  const Umt5Encoder encoder(text_config(), text);
  TableSource vae(initial_weights(vae_config(), 2));
  const WanVae auto_encoder(vae_config(), vae);
  vae.finish();
}

TEST(InitialWeights, DependOnSeedAndNameAlone) {
  const NamedTensors first = initial_weights(wan_config(), 3);
  WanConfig deeper = wan_config();
  deeper.num_layers = 3;
  const NamedTensors again = initial_weights(deeper, 3);
  for (const auto& [name, tensor] : first) EXPECT_TRUE(tensor.equal(again.at(name))) << name;
  const std::string name = "blocks.0.attn1.to_q.weight";
  EXPECT_FALSE(first.at(name).equal(initial_weights(wan_config(), 4).at(name)));
  EXPECT_FALSE(first.at(name).equal(first.at("blocks.0.attn1.to_k.weight")));
}

}  // namespace
}  // namespace radial::video
