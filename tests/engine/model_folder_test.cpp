#include "video/train/model_folder.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <vector>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/pipeline/wan_files.h"
#include "video/text/text_files.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

WanModel small_model(const fs::path& tokenizer) {
  WanModel model;
  WanConfig& transformer = model.transformer_config;
  transformer.num_attention_heads = 2;
  transformer.attention_head_dim = 16;
  transformer.in_channels = transformer.out_channels = 4;
  transformer.text_dim = 16;
  transformer.text_len = 24;
  transformer.freq_dim = 32;
  transformer.ffn_dim = 48;
  transformer.num_layers = 2;
  Umt5Config& text = model.text_config;
  text.vocab_size = 20;
  text.d_model = 16;
  text.d_kv = 8;
  text.d_ff = 32;
  text.num_layers = 2;  // one alone is not recognised as UMT5
  text.num_heads = 2;
  WanVaeConfig& vae = model.vae_config;
  vae.base_dim = 4;
  vae.decoder_base_dim = 8;
  vae.z_dim = 4;
  vae.num_res_blocks = 1;
  vae.dim_mult = {1, 2, 2};
  vae.temporal_downsample = {false, true};
  vae.latents_mean = {0.1, -0.2, 1.0 / 3, 0};
  vae.latents_std = {1, 2, 0.5, 1.25};
  model.transformer = initial_weights(transformer, 1);
  model.text_encoder = initial_weights(text, 2);
  model.vae = initial_weights(vae, 3);
  model.tokenizer = tokenizer;
  model.flow_shift = 2.5;
  return model;
}

void expect_saved(const fs::path& file, const NamedTensors& weights) {
  const NamedTensors saved = load_tensors(file);
  ASSERT_EQ(saved.size(), weights.size()) << file;
  for (const auto& [name, tensor] : weights) {
    EXPECT_TRUE(saved.at(name).equal(tensor.to(at::kBFloat16))) << name;
  }
}

TEST(ModelFolder, IsReadAsItWasWritten) {
  const TemporaryFolder scratch;
  scratch.write("words/spiece.model", "pieces");
  const WanModel model = small_model(scratch.file("words"));
  const fs::path folder = scratch.file("model");
  write_model_folder(folder, model);

  const WanFiles files = find_wan_files(folder);
  const WanConfig transformer = read_transformer_config(files);
  EXPECT_EQ(transformer.dim(), 32);
  EXPECT_EQ(transformer.text_len, 24);
  EXPECT_EQ(transformer.ffn_dim, 48);
  const WanVaeConfig vae = read_vae_config(files);
  EXPECT_EQ(vae.decoder_base_dim, 8);
  EXPECT_EQ(vae.latents_mean, model.vae_config.latents_mean);
  EXPECT_EQ(vae.temporal_downsample, model.vae_config.temporal_downsample);
  EXPECT_EQ(read_flow_shift(files), 2.5);
  const TextFiles text = find_text_files(folder);
  EXPECT_EQ(text.config.d_ff, 32);
  EXPECT_EQ(fs::file_size(text.tokenizer / "spiece.model"), 6u);

  // As the engine loads them: each part takes all its weights and misses none.
  const WanTransformer loaded = load_transformer(files, {});
  EXPECT_EQ(loaded.config().num_layers, 2);
  EXPECT_TRUE(load_vae(files, {}).has_encoder());
  expect_saved(folder / "transformer/diffusion_pytorch_model.safetensors", model.transformer);
  expect_saved(folder / "text_encoder/model.safetensors", model.text_encoder);
  expect_saved(folder / "vae/diffusion_pytorch_model.safetensors", model.vae);
}

TEST(ModelFolder, LeavesNothingHalf) {
  const TemporaryFolder scratch;
  scratch.write("words/spiece.model", "pieces");
  const auto entries = [&] {
    return std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator());
  };
  WanModel model = small_model(scratch.file("words"));
  model.vae.erase("decoder.conv_in.weight");
  EXPECT_THROW(write_model_folder(scratch.file("model"), model), FormatError);
  model = small_model(scratch.file("nowhere"));
  EXPECT_THROW(write_model_folder(scratch.file("model"), model), InvalidArgument);
  model = small_model(scratch.file("words"));
  // A type that weights cannot be saved in is met after the first files are written.
  EXPECT_THROW(write_model_folder(scratch.file("model"), model, {.dtype = at::kComplexFloat}),
               Error);
  EXPECT_EQ(entries(), 1) << "only the tokenizer";
  write_model_folder(scratch.file("model"), model);
  EXPECT_THROW(write_model_folder(scratch.file("model"), model), InvalidArgument);
  EXPECT_THROW(write_model_folder(scratch.file("words"), model, {.replace = true}), InvalidArgument)
      << "not a model's folder";
  EXPECT_EQ(entries(), 2);
}

TEST(ModelFolder, TakesThePlaceOfTheOneBefore) {
  const TemporaryFolder scratch;
  scratch.write("words/spiece.model", "pieces");
  WanModel model = small_model(scratch.file("words"));
  const fs::path folder = scratch.file("model");
  write_model_folder(folder, model, {.replace = true});
  model.transformer = initial_weights(model.transformer_config, 9);
  write_model_folder(folder, model, {.replace = true});
  expect_saved(folder / "transformer/diffusion_pytorch_model.safetensors", model.transformer);
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()), 2);
}

// What is read is what was written, rounded; the largest file is as large as allowed.
TEST(ModelFolder, ShardsAreReadAsOne) {
  const TemporaryFolder scratch;
  scratch.write("words/spiece.model", "pieces");
  const WanModel model = small_model(scratch.file("words"));
  const fs::path folder = scratch.file("model");
  constexpr std::int64_t kMost = 20000;
  write_model_folder(folder, model, {.max_shard_bytes = kMost});
  int shards = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    constexpr std::uintmax_t kMostHeader = 12000;
    EXPECT_LE(entry.file_size(), kMost + kMostHeader) << entry.path();
    if (entry.path().filename().string().starts_with("diffusion_pytorch_model-0000")) ++shards;
  }
  EXPECT_GE(shards, 3);
  const WanModel read = read_model_folder(folder);
  EXPECT_EQ(read.transformer_config.text_len, 24);
  EXPECT_EQ(read.flow_shift, 2.5);
  const auto expect_same = [](const NamedTensors& got, const NamedTensors& wrote) {
    ASSERT_EQ(got.size(), wrote.size());
    for (const auto& [name, tensor] : wrote) {
      EXPECT_TRUE(got.at(name).equal(tensor.to(at::kBFloat16).to(at::kFloat))) << name;
    }
  };
  expect_same(read.transformer, model.transformer);
  expect_same(read.text_encoder, model.text_encoder);
  expect_same(read.vae, model.vae);
  expect_same(read_vae_folder(folder).weights, model.vae);
  expect_same(read_vae_folder(folder / "vae").weights, model.vae);
}

}  // namespace
}  // namespace radial::video
