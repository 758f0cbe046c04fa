#include "video/train/vae_trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <map>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

WanVaeConfig tiny_config() {
  WanVaeConfig config;
  config.base_dim = config.decoder_base_dim = 8;
  config.z_dim = 4;
  config.dim_mult = {1, 2, 2};
  config.num_res_blocks = 1;
  config.temporal_downsample = {false, true};
  return config;
}

VaeTrainerOptions tiny_options() {
  VaeTrainerOptions options;
  options.clips.size = {.width = 32, .height = 32, .num_frames = 5};
  options.clips.count = 8;
  options.clips.at_first = 4;
  options.cut = {.frames = 5, .height = 24, .width = 24};
  options.batch_size = 2;
  options.learning_rate = {.peak = 4e-3, .warmup_steps = 5};
  options.optimiser.ema_decay = 0.9;
  options.held_out_clips = 2;
  options.statistics_clips = 3;
  return options;
}

VaeTrainer tiny_trainer() {
  const WanVaeConfig config = tiny_config();
  return VaeTrainer(config, quiet_latents(initial_weights(config, 1)), tiny_options());
}

double value_of(const LogValues& values, const std::string& name) {
  return std::map<std::string, double>(values.begin(), values.end()).at(name);
}

TEST(VaeTrainer, LearnsScenesThatItNeverSaw) {
  VaeTrainer trainer = tiny_trainer();
  const double before = value_of(trainer.evaluated(), "held_out_psnr");
  constexpr std::int64_t kSteps = 80;
  double first = 0, last = 0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    trainer.step({step, static_cast<double>(step) / kSteps});
    if (step == 9) first = value_of(trainer.measured(), "psnr");
    if (step == kSteps - 11) trainer.measured();
  }
  last = value_of(trainer.measured(), "psnr");
  EXPECT_GT(last, first + 3);
  EXPECT_GT(value_of(trainer.evaluated(), "held_out_psnr"), before + 3);
}

TEST(VaeTrainer, GoesOnFromItsStateBitForBit) {
  VaeTrainer whole = tiny_trainer(), first = tiny_trainer(), second = tiny_trainer();
  for (std::int64_t step = 0; step < 4; ++step) {
    whole.step({step, 0.1 * static_cast<double>(step)});
    (step < 2 ? first : second).step({step, 0.1 * static_cast<double>(step)});
    if (step == 1) {
      NamedTensors kept;
      for (const auto& [name, tensor] : first.state()) kept[name] = tensor.clone();
      second.load_state(kept);
    }
  }
  const NamedTensors expected = whole.state(), got = second.state();
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [name, tensor] : expected) EXPECT_TRUE(got.at(name).equal(tensor)) << name;
}

TEST(VaeTrainer, WritesAveragedWeightsWithTheStatisticsOfTheirLatents) {
  const TemporaryFolder folder;
  VaeTrainer trainer = tiny_trainer();
  for (std::int64_t step = 0; step < 3; ++step) trainer.step({step, 0});
  trainer.write_results(folder.path());
  const std::string file = (folder.path() / "vae" / "config.json").string();
  const WanVaeConfig config = parse_wan_vae_config(read_text_file(file), file);
  EXPECT_EQ(config.base_dim, 8);
  TableSource source(load_vae_weights(folder.path() / "vae", config));
  const WanVae vae(config, source);
  WorldClips clips(tiny_options().clips);
  std::vector<at::Tensor> latents;
  for (std::int64_t i = 0; i < 3; ++i) latents.push_back(vae.normalized(vae.encode(clips.clip(i))));
  for (std::int64_t channel = 0; channel < 4; ++channel) {
    double sum = 0, squares = 0;
    for (const at::Tensor& clip : latents) {
      sum += clip.select(1, channel).mean().item<double>() / 3;
      squares += clip.select(1, channel).square().mean().item<double>() / 3;
    }
    EXPECT_NEAR(sum, 0, 0.02) << channel;
    EXPECT_NEAR(squares, 1, 0.05) << channel;
  }
  EXPECT_EQ(load_tensors(folder.path() / "vae" / "diffusion_pytorch_model.safetensors")
                .at("quant_conv.bias")
                .scalar_type(),
            at::kBFloat16);
}

NamedTensors written_weights(const TemporaryFolder& folder) {
  return load_tensors(folder.path() / "vae" / "diffusion_pytorch_model.safetensors");
}

TEST(VaeTrainer, DecoderAloneLeavesTheEncoderAndItsStatisticsBitForBit) {
  WanVaeConfig config = tiny_config();
  config.latents_mean = {0.1, -1.0 / 3, 2.5, -0.7571};
  config.latents_std = {1.0 / 7, 1, 2, 3.1};
  NamedTensors weights = quiet_latents(initial_weights(config, 1));
  // One tensor as a checkpoint in bfloat16 has it, the others keep all their digits.
  const std::string rounded = "encoder.conv_in.weight";
  weights[rounded] = weights[rounded].to(at::kBFloat16).to(at::kFloat);
  VaeTrainerOptions options = tiny_options();
  options.decoder_only = true;
  options.loss.divergence_weight = 0;
  VaeTrainer trainer(config, weights, options);
  const double before = value_of(trainer.evaluated(), "held_out_psnr");
  for (std::int64_t step = 0; step < 40; ++step) trainer.step({step, 0});
  EXPECT_GT(value_of(trainer.evaluated(), "held_out_psnr"), before + 2);

  const TemporaryFolder folder;
  trainer.write_results(folder.path());
  const NamedTensors written = written_weights(folder);
  ASSERT_EQ(written.size(), weights.size());
  int kept = 0;
  for (const auto& [name, tensor] : written) {
    if (name.starts_with("encoder.") || name.starts_with("quant_conv.")) {
      EXPECT_TRUE(tensor.to(at::kFloat).equal(weights.at(name))) << name;
      ++kept;
    } else {
      EXPECT_EQ(tensor.scalar_type(), at::kBFloat16) << name;
    }
  }
  EXPECT_GT(kept, 20);
  EXPECT_EQ(written.at(rounded).scalar_type(), at::kBFloat16);
  for (const char* name : {"decoder.conv_in.weight", "post_quant_conv.weight"}) {
    EXPECT_FALSE(written.at(name).equal(weights.at(name).to(at::kBFloat16))) << name;
  }
  const std::string file = (folder.path() / "vae" / "config.json").string();
  const WanVaeConfig again = parse_wan_vae_config(read_text_file(file), file);
  EXPECT_EQ(again.latents_mean, config.latents_mean);
  EXPECT_EQ(again.latents_std, config.latents_std);
}

TEST(VaeTrainer, DecoderAloneGoesOnFromItsStateBitForBit) {
  const WanVaeConfig config = tiny_config();
  VaeTrainerOptions options = tiny_options();
  options.decoder_only = true;
  const NamedTensors weights = quiet_latents(initial_weights(config, 1));
  VaeTrainer whole(config, weights, options), second(config, weights, options);
  NamedTensors kept;
  for (std::int64_t step = 0; step < 3; ++step) {
    whole.step({step, 0});
    if (step == 1) {
      for (const auto& [name, tensor] : whole.state()) kept[name] = tensor.clone();
    }
  }
  second.load_state(kept);
  second.step({2, 0});
  for (const auto& [name, tensor] : whole.state()) {
    EXPECT_TRUE(second.state().at(name).equal(tensor)) << name;
    EXPECT_EQ(name.find("encoder."), std::string::npos) << name;
  }
}

TEST(VaeTrainer, BeginsWithLatentsThatAreHeard) {
  const WanVaeConfig config = with_unit_statistics(tiny_config());
  TableSource source(quiet_latents(initial_weights(config, 1)));
  const WanVae vae(config, source);
  WorldClips clips(tiny_options().clips);
  const at::Tensor log_variance = vae.distribution(clips.clip(0)).chunk(2, 1)[1];
  EXPECT_LT(log_variance.max().item<double>(), -3);
}

TEST(VaeTrainer, ChannelsInnermostChangeNothing) {
  const WanVaeConfig config = with_unit_statistics(tiny_config());
  TableSource source(initial_weights(config, 2));
  const WanVae vae(config, source);
  WorldClips clips(tiny_options().clips);
  const at::Tensor pixels = clips.clip(1), inner = clips.clip(1, at::MemoryFormat::ChannelsLast3d);
  EXPECT_TRUE(inner.equal(pixels));
  const VaePass whole{.chunk_frames = 0};
  const at::Tensor latents = vae.encode(pixels, whole);
  EXPECT_TRUE(at::allclose(vae.encode(inner, whole), latents, 1e-4, 1e-5));
  const at::Tensor decoded =
      vae.decode(latents.contiguous(at::MemoryFormat::ChannelsLast3d), whole);
  EXPECT_TRUE(at::allclose(decoded, vae.decode(latents, whole), 1e-4, 1e-5));
}

TEST(VaeTrainer, ChecksItsOptions) {
  const WanVaeConfig config = tiny_config();
  VaeTrainerOptions options = tiny_options();
  options.batch_size = 0;
  EXPECT_THROW(VaeTrainer(config, initial_weights(config, 1), options), InvalidArgument);
  EXPECT_THROW(VaeTrainer(config, {{"one", at::zeros({1})}}, tiny_options()), FormatError);
}

}  // namespace
}  // namespace radial::video
