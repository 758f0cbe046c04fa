#include "video/train/vae_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/fixture.h"
#include "radial/base/error.h"
#include "video/train/adamw.h"
#include "video/train/initial_weights.h"

namespace radial::video {
namespace {

WanVaeConfig tiny_config() {
  WanVaeConfig config;
  config.base_dim = config.decoder_base_dim = 8;
  config.z_dim = 4;
  config.dim_mult = {1, 2, 2};
  config.num_res_blocks = 1;
  config.temporal_downsample = {false, true};
  config.latents_mean.assign(4, 0.0);
  config.latents_std.assign(4, 1.0);
  return config;
}

// A bright square that moves over a ramp: [1, 3, 5, 16, 16].
at::Tensor moving_square() {
  const at::Tensor ramp = at::arange(16, at::kFloat) / 16 - 0.5;
  std::vector<at::Tensor> frames;
  for (std::int64_t frame = 0; frame < 5; ++frame) {
    at::Tensor picture = at::stack(
        {ramp.expand({16, 16}), ramp.unsqueeze(1).expand({16, 16}), -ramp.expand({16, 16})});
    picture.narrow(1, 4, 6).narrow(2, 1 + 2 * frame, 6).fill_(0.8);
    frames.push_back(picture);
  }
  return at::stack(frames, 1).unsqueeze(0);
}

TEST(VaeLoss, FallsInTraining) {
  const WanVaeConfig config = tiny_config();
  Parameters parameters(initial_weights(config, 1), {}, {});
  TableSource source = parameters.source();
  const WanVae vae(config, source);
  source.finish();
  AdamW optimiser(parameters, {.weight_decay = 0});
  const at::Tensor pixels = moving_square();
  double first = 0, last = 0, first_psnr = 0, last_psnr = 0;
  for (std::int64_t step = 0; step < 30; ++step) {
    const VaeLoss loss = vae_loss(vae, pixels, {}, {.seed = 1, .step = step});
    loss.total.backward();
    parameters.gather_gradients();
    optimiser.step(3e-3);
    last = loss.total.item<double>();
    last_psnr = psnr(loss.mean_square.item<double>());
    if (step == 0) first = last, first_psnr = last_psnr;
  }
  EXPECT_LT(last, 0.7 * first);
  EXPECT_GT(last_psnr, first_psnr + 2);
}

TEST(VaeLoss, PartsAddUp) {
  const WanVaeConfig config = tiny_config();
  TableSource source(initial_weights(config, 2));
  const WanVae vae(config, source);
  const at::Tensor pixels = moving_square();
  const DrawKey key{.seed = 3};
  const VaeLossOptions options{.divergence_weight = 0.25, .edge_weight = 2, .edge_scales = 2};
  const VaeLoss loss = vae_loss(vae, pixels, options, key);
  EXPECT_NEAR(loss.total.item<double>(),
              loss.absolute.item<double>() + 2 * loss.edges.item<double>() +
                  0.25 * loss.divergence.item<double>(),
              1e-6);
  const std::vector<at::Tensor> parts = vae.distribution(pixels).chunk(2, 1);
  const at::Tensor noise = draw_noise(parts[0].sizes(), key, at::kCPU, DrawPurpose::kLatentSample);
  const at::Tensor latents = parts[0] + (parts[1] / 2).exp() * noise;
  const at::Tensor decoded = vae.decode(latents);
  EXPECT_NEAR(loss.mean_square.item<double>(), (decoded - pixels).square().mean().item<double>(),
              1e-6);
  EXPECT_GT(loss.divergence.item<double>(), 0);
}

TEST(VaeLoss, FirstFrameCountsAsMuchAsItsWeightSays) {
  const WanVaeConfig config = tiny_config();
  TableSource source(initial_weights(config, 2));
  const WanVae vae(config, source);
  const at::Tensor pixels = moving_square();
  const DrawKey key{.seed = 3};
  const VaeLoss even = vae_loss(vae, pixels, {}, key);
  const VaeLoss heavy = vae_loss(vae, pixels, {.first_frame_weight = 6}, key);
  // A frame's loss does not depend on the later frames: the network looks back only.
  const VaeLoss first = vae_loss(vae, pixels.narrow(2, 0, 1), {}, key);
  const auto expected = [](const at::Tensor& all, const at::Tensor& one) {
    // Five frames: (6 first + the other four) / 10.
    return (5 * all.item<double>() + 5 * one.item<double>()) / 10;
  };
  const std::vector<at::Tensor> parts = vae.distribution(pixels).chunk(2, 1);
  const at::Tensor noise = draw_noise(parts[0].sizes(), key, at::kCPU, DrawPurpose::kLatentSample);
  const at::Tensor decoded =
      vae.decode_unclamped(parts[0] + (parts[1].clamp(-30.0, 20.0) / 2).exp() * noise);
  const at::Tensor error = decoded - pixels;
  const at::Tensor first_error = error.narrow(2, 0, 1);
  EXPECT_NEAR(heavy.absolute.item<double>(), expected(even.absolute, first_error.abs().mean()),
              1e-6);
  EXPECT_NEAR(heavy.edges.item<double>(),
              expected(even.edges, edge_difference(first_error, at::zeros_like(first_error), 3)),
              1e-6);
  EXPECT_NEAR(even.first_mean_square.item<double>(),
              (decoded.clamp(-1, 1) - pixels).select(2, 0).square().mean().item<double>(), 1e-6);
  EXPECT_DOUBLE_EQ(heavy.mean_square.item<double>(), even.mean_square.item<double>());
  EXPECT_EQ(first.first_mean_square.item<double>(), first.mean_square.item<double>());
}

TEST(VaeLoss, EdgesSeeBlurButNotBrightness) {
  const at::Tensor video = moving_square();
  EXPECT_NEAR(edge_difference(video + 0.3, video, 3).item<double>(), 0, 1e-6);
  const at::Tensor level = at::full_like(video, 0.1);
  EXPECT_GT(edge_difference(level, video, 3).item<double>(), 0.01);
  // A checkerboard of +-1 changes by 2 from pixel to pixel and is gone at half the size.
  const at::Tensor parity = (at::arange(8).unsqueeze(1) + at::arange(8)) % 2;
  const at::Tensor board = (parity * 2 - 1).to(at::kFloat).expand({1, 1, 1, 8, 8});
  const at::Tensor nothing = at::zeros_like(board);
  EXPECT_DOUBLE_EQ(edge_difference(board, nothing, 1).item<double>(), 2);
  EXPECT_DOUBLE_EQ(edge_difference(board, nothing, 2).item<double>(), 1);
  // 8, 4 and 2 pixels: a fourth size does not exist.
  EXPECT_NEAR(edge_difference(board, nothing, 6).item<double>(), 2.0 / 3, 1e-6);
}

TEST(VaeLoss, PsnrIsOfValuesFromMinusOneToOne) {
  EXPECT_DOUBLE_EQ(psnr(4), 0);
  EXPECT_NEAR(psnr(0.004), 30, 1e-9);
}

TEST(VaeLoss, ChecksItsOptions) {
  EXPECT_THROW((VaeLossOptions{.divergence_weight = -1}.check()), InvalidArgument);
  EXPECT_THROW((VaeLossOptions{.edge_scales = 0}.check()), InvalidArgument);
  EXPECT_THROW((VaeLossOptions{.first_frame_weight = 0}.check()), InvalidArgument);
  EXPECT_THROW(edge_difference(at::zeros({1, 1, 1, 1, 8}), at::zeros({1, 1, 1, 1, 8}), 1),
               InvalidArgument);
  EXPECT_THROW(edge_difference(at::zeros({1, 1, 1, 8, 8}), at::zeros({1, 1, 1, 8, 4}), 1),
               InvalidArgument);
}

TEST(LatentStatistics, AreThoseOfAllBatches) {
  const at::Tensor scale = at::tensor({1.0f, 3.0f}).view({1, 2, 1, 1, 1});
  const at::Tensor offset = at::tensor({-2.0f, 0.5f}).view({1, 2, 1, 1, 1});
  const at::Tensor all = draw_noise({5, 2, 3, 4, 6}, {.seed = 1}) * scale + offset;
  LatentStatistics statistics;
  EXPECT_THROW(statistics.mean(), InvalidArgument);
  statistics.add(all.narrow(0, 0, 2));
  statistics.add(all.narrow(0, 2, 3));
  for (std::int64_t channel : {0, 1}) {
    const at::Tensor values = all.select(1, channel).to(at::kDouble);
    const auto index = static_cast<std::size_t>(channel);
    EXPECT_NEAR(statistics.mean()[index], values.mean().item<double>(), 1e-9);
    EXPECT_NEAR(statistics.deviation()[index], values.std(/*unbiased=*/false).item<double>(), 1e-9);
  }
  EXPECT_THROW(statistics.add(at::zeros({1, 3, 1, 1, 1})), InvalidArgument);
  EXPECT_THROW(statistics.add(at::zeros({2, 2})), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
