#include "video/checkpoint/key_map.h"

#include <gtest/gtest.h>

#include "video/checkpoint/model_part.h"

namespace radial::video {
namespace {

// A name for each row: every wildcard number replaced by 3, the rest by `weight`.
std::string example(std::string pattern) {
  for (char& character : pattern) {
    if (character == '#') character = '3';
  }
  if (pattern.back() == '*') pattern.replace(pattern.size() - 1, 1, "weight");
  return pattern;
}

void expect_one_to_one(const KeyMap& map) {
  for (const auto& [official, diffusers] : map.rows()) {
    EXPECT_EQ(map.to_diffusers(example(official)), example(diffusers));
    EXPECT_EQ(map.to_official(example(diffusers)), example(official));
  }
}

TEST(KeyMap, EveryRowMapsThereAndBack) {
  expect_one_to_one(wan_key_map());
  expect_one_to_one(umt5_key_map());
  expect_one_to_one(wan_vae_key_map(4, 2));
  expect_one_to_one(wan_vae_key_map(3, 1));
}

TEST(KeyMap, TheNormBeforeCrossAttentionHasTwoNames) {
  EXPECT_EQ(wan_key_map().to_diffusers("blocks.29.norm3.weight"), "blocks.29.norm2.weight");
  EXPECT_EQ(wan_key_map().to_official("blocks.29.norm2.bias"), "blocks.29.norm3.bias");
  EXPECT_EQ(wan_key_map().to_diffusers("blocks.29.norm2.weight"), std::nullopt);
}

TEST(KeyMap, UnknownNamesMapToNothing) {
  for (const char* name : {"", "blocks", "blocks.x.norm3.weight", "blocks..norm3.weight",
                           "blocks.1.norm3.", "blocks.1.modulation.weight", "head.head"}) {
    EXPECT_EQ(wan_key_map().to_diffusers(name), std::nullopt) << name;
  }
}

TEST(KeyMap, TheDecodersBlocksAreCountedByLevel) {
  const KeyMap map = wan_vae_key_map(4, 2);
  EXPECT_EQ(map.to_diffusers("decoder.upsamples.0.residual.0.gamma"),
            "decoder.up_blocks.0.resnets.0.norm1.gamma");
  EXPECT_EQ(map.to_diffusers("decoder.upsamples.4.shortcut.weight"),
            "decoder.up_blocks.1.resnets.0.conv_shortcut.weight");
  EXPECT_EQ(map.to_diffusers("decoder.upsamples.7.time_conv.bias"),
            "decoder.up_blocks.1.upsamplers.0.time_conv.bias");
  EXPECT_EQ(map.to_diffusers("decoder.upsamples.14.residual.6.bias"),
            "decoder.up_blocks.3.resnets.2.conv2.bias");
  EXPECT_EQ(map.to_diffusers("decoder.upsamples.15.residual.6.bias"), std::nullopt);
}

TEST(ModelPart, RecognisesEachNetworkInBothLayouts) {
  const auto found = recognise_part({"model.diffusion_model.blocks.0.self_attn.q.weight"});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->kind, PartKind::kWanTransformer);
  EXPECT_EQ(found->layout, Layout::kOfficial);
  EXPECT_EQ(found->canonical_name("model.diffusion_model.head.modulation"), "scale_shift_table");
  EXPECT_EQ(found->name_in(Layout::kOfficial, "model.diffusion_model.head.modulation"),
            "head.modulation");
  EXPECT_EQ(recognise_part({"blocks.0.attn1.to_q.weight"})->layout, Layout::kDiffusers);
  EXPECT_EQ(recognise_part({"decoder.head.0.gamma"})->kind, PartKind::kWanVae);
  EXPECT_EQ(recognise_part({"decoder.norm_out.gamma"})->layout, Layout::kDiffusers);
  EXPECT_EQ(recognise_part({"blocks.0.pos_embedding.embedding.weight"})->kind, PartKind::kUmt5);
  EXPECT_FALSE(recognise_part({"blocks.0.attn.qkv.weight"}).has_value());
  EXPECT_FALSE(recognise_part({}).has_value());
}

TEST(ModelPart, ReadsTheSizesOfAVaeFromItsNames) {
  // One residual block more than num_res_blocks per level of the decoder, here 2, and three levels.
  const std::vector<std::string> names{"decoder.head.0.gamma",
                                       "decoder.upsamples.0.residual.0.gamma",
                                       "decoder.upsamples.1.residual.0.gamma",
                                       "decoder.upsamples.2.resample.1.weight",
                                       "decoder.upsamples.4.residual.0.gamma",
                                       "decoder.upsamples.5.resample.1.weight",
                                       "decoder.upsamples.7.residual.0.gamma"};
  const auto part = recognise_part(names);
  EXPECT_EQ(part->canonical_name("decoder.upsamples.7.residual.2.weight"),
            "decoder.up_blocks.2.resnets.1.conv1.weight");
  std::vector<std::string> renamed;
  for (const std::string& name : names) renamed.push_back(part->canonical_name(name));
  const auto other = recognise_part(renamed);
  EXPECT_EQ(other->layout, Layout::kDiffusers);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(other->name_in(Layout::kOfficial, renamed[i]), names[i]);
  }
}

}  // namespace
}  // namespace radial::video
