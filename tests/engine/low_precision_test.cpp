// bfloat16 against float32 with the same rounded weights: as near as diffusers in bfloat16, or
// nearer. tests/parity/generate/low_precision.py

#include <gtest/gtest.h>

#include <string>

#include "engine/fixture.h"
#include "video/pipeline/denoise.h"
#include "video/vae/wan_vae.h"

namespace radial::video {
namespace {

// The rule of a low precision: twice the error of the reference, itself in that precision.
constexpr double kTimes = 2;

class LowPrecision : public testing::Test {
 protected:
  void expect_as_near(const at::Tensor& got, const std::string& name) const {
    SCOPED_TRACE(name);
    ASSERT_EQ(got.sizes(), low_[name + ".float32"].sizes());
    const double ours = relative_l2(got, low_[name + ".float32"]);
    const double theirs = relative_l2(low_[name + ".bfloat16"], low_[name + ".float32"]);
    ASSERT_GT(theirs, 1e-4) << "the reference is not in bfloat16";
    record_parity(ours, kTimes * theirs);
    EXPECT_LE(ours, kTimes * theirs);
    EXPECT_GT(ours, 1e-4) << "not in bfloat16";
  }

  Fixture low_{"low_precision.safetensors"};
};

WanConfig transformer_config(std::int64_t heads, std::int64_t channels, std::int64_t ffn,
                             std::int64_t layers) {
  WanConfig config;
  config.num_attention_heads = heads;
  config.attention_head_dim = 16;
  config.in_channels = channels;
  config.out_channels = 4;
  config.text_dim = 10;
  config.freq_dim = 24;
  config.ffn_dim = ffn;
  config.num_layers = layers;
  config.rope_max_seq_len = 32;
  return config;
}

WanTransformer transformer(const Fixture& fixture, const WanConfig& config) {
  TableSource source = fixture.weights(at::kBFloat16);
  WanTransformer made(config, source);
  source.finish();
  return made;
}

TEST_F(LowPrecision, TheTransformerErrsNoMoreThanTwiceAsMuchAsThatOfDiffusers) {
  const Fixture fixture("wan_transformer.safetensors");
  const WanTransformer model = transformer(fixture, transformer_config(2, 6, 40, 2));
  const at::Tensor latents = fixture["hidden_states"];
  expect_as_near(model.forward(latents, fixture["timestep"],
                               model.prepare_text(fixture["encoder_hidden_states"]),
                               model.prepare_video(model.layout_of(latents), at::kCPU)),
                 "sample");
}

TEST_F(LowPrecision, WholeRunsErrNoMoreThanTwiceAsMuchAsThoseOfDiffusers) {
  const Fixture fixture("wan_denoise.safetensors");
  const WanTransformer model = transformer(fixture, transformer_config(1, 4, 24, 1));
  PlanCache plans;
  for (const auto method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    const NoiseSchedule schedule =
        make_noise_schedule({.method = method, .num_steps = 6, .shift = 5});
    const ResolvedAttention dense =
        resolve_attention({}, model.layout_of(fixture["noise"]), 1, schedule, plans);
    expect_as_near(denoise(model, {fixture["noise"], fixture["prompt"], fixture["negative"]},
                           {method, schedule, 4}, dense),
                   "latents." + std::string(name_of(method)));
  }
}

WanVae vae(const Fixture& fixture) {
  WanVaeConfig config;
  config.base_dim = config.decoder_base_dim = 4;
  config.z_dim = 3;
  config.dim_mult = {1, 2, 2, 2};
  config.num_res_blocks = 1;
  config.temporal_downsample = {false, true, true};
  config.latents_mean = {0.1, -0.2, 0.3};
  config.latents_std = {1.5, 0.7, 2.0};
  TableSource source = fixture.weights(at::kBFloat16);
  WanVae made(config, source);
  source.finish();
  return made;
}

TEST_F(LowPrecision, DecodedFramesErrNoMoreThanTwiceAsMuchAsThoseOfDiffusers) {
  const Fixture fixture("wan_vae.safetensors");
  expect_as_near(vae(fixture).decode(fixture["latents"]), "decoded");
}

TEST_F(LowPrecision, EncodedLatentsErrNoMoreThanTwiceAsMuchAsThoseOfDiffusers) {
  const Fixture fixture("wan_vae.safetensors");
  expect_as_near(vae(fixture).encode(fixture["pixels"]), "encoded");
}

}  // namespace
}  // namespace radial::video
