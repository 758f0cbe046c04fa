#include "video/train/flow_matching.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/fixture.h"
#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::int64_t kMany = 200000;

double mean_of(const at::Tensor& tensor) { return tensor.to(at::kDouble).mean().item<double>(); }

TEST(FlowMatching, UniformSigmasHaveTheirMoments) {
  const SigmaLaw law{.kind = SigmaLaw::Kind::kUniform};
  const at::Tensor sigmas = draw_sigmas(law, kMany, {.seed = 1});
  EXPECT_NEAR(mean_of(sigmas), 0.5, 3e-3);
  EXPECT_NEAR(sigmas.to(at::kDouble).var().item<double>(), 1.0 / 12, 1e-3);
  EXPECT_GE(sigmas.min().item<float>(), 0);
  EXPECT_LE(sigmas.max().item<float>(), 1);
}

TEST(FlowMatching, LogitNormalSigmasHaveTheirMoments) {
  const at::Tensor sigmas = draw_sigmas({.mean = 0.4, .deviation = 1.2}, kMany, {.seed = 1});
  const at::Tensor logits = (sigmas / (1 - sigmas)).log().to(at::kDouble);
  EXPECT_NEAR(mean_of(logits), 0.4, 0.015);
  EXPECT_NEAR(logits.std().item<double>(), 1.2, 0.015);
  // Of a normal law 68.27 % lie within one deviation.
  EXPECT_NEAR(mean_of(((logits - 0.4).abs() < 1.2).to(at::kDouble)), 0.6827, 5e-3);
}

TEST(FlowMatching, ShiftMovesSigmasTowardsNoise) {
  const SigmaLaw uniform{.kind = SigmaLaw::Kind::kUniform};
  const SigmaLaw shifted{.kind = SigmaLaw::Kind::kUniform, .shift = 3};
  const at::Tensor plain = draw_sigmas(uniform, kMany, {.seed = 2});
  const at::Tensor moved = draw_sigmas(shifted, kMany, {.seed = 2});
  EXPECT_LE(relative_l2(moved, plain * 3 / (plain * 2 + 1)), 1e-6);
  // P(3 u / (1 + 2 u) < 1/2) = P(u < 1/4).
  EXPECT_NEAR(mean_of((moved < 0.5).to(at::kDouble)), 0.25, 4e-3);
}

TEST(FlowMatching, SamplesLieOnTheLineToNoise) {
  const at::Tensor latents = draw_noise({3, 4, 2, 6, 5}, {.seed = 3});
  const at::Tensor noise = draw_noise({3, 4, 2, 6, 5}, {.seed = 4});
  const FlowSample sample = flow_sample(latents, noise, at::tensor({0.0f, 0.25f, 1.0f}));
  EXPECT_TRUE(sample.noisy[0].equal(latents[0]));
  EXPECT_TRUE(sample.noisy[2].equal(noise[2]));
  EXPECT_LE(relative_l2(sample.noisy[1], latents[1] * 0.75 + noise[1] * 0.25), 1e-6);
  EXPECT_TRUE(sample.target.equal(noise - latents));
  EXPECT_TRUE(sample.timestep.equal(at::tensor({0.0f, 250.0f, 1000.0f})));
  // One Euler step along the target arrives at the latents.
  EXPECT_LE(relative_l2(sample.noisy[1] - sample.target[1] * 0.25, latents[1]), 1e-6);
}

TEST(FlowMatching, DropsCaptionsAtTheirRate) {
  const std::vector<bool> dropped = draw_caption_dropout(0.1, kMany, {.seed = 5});
  const auto count = std::count(dropped.begin(), dropped.end(), true);
  EXPECT_NEAR(static_cast<double>(count) / static_cast<double>(kMany), 0.1, 3e-3);
  for (const bool never : draw_caption_dropout(0, 100, {})) EXPECT_FALSE(never);
  for (const bool always : draw_caption_dropout(1, 100, {})) EXPECT_TRUE(always);
}

TEST(FlowMatching, DrawsDependOnTheirKeyAlone) {
  const DrawKey key{.seed = 7, .step = 11, .pass = 1};
  const at::Tensor noise = draw_noise({4096}, key);
  EXPECT_TRUE(noise.equal(draw_noise({4096}, key)));
  const std::vector<at::Tensor> others{
      draw_noise({4096}, {.seed = 8, .step = 11, .pass = 1}),
      draw_noise({4096}, {.seed = 7, .step = 12, .pass = 1}),
      draw_noise({4096}, {.seed = 7, .step = 11, .pass = 2}),
      draw_noise({4096}, {.seed = 7, .step = 1, .pass = 11}),
      draw_noise({4096}, key, at::kCPU, DrawPurpose::kLatentSample)};
  for (const at::Tensor& other : others) {
    EXPECT_LT(std::abs(mean_of(noise * other)), 5 / std::sqrt(4096.0)) << "correlated";
  }
  EXPECT_TRUE(draw_sigmas({}, 8, key).equal(draw_sigmas({}, 8, key)));
  EXPECT_EQ(draw_caption_dropout(0.5, 64, key), draw_caption_dropout(0.5, 64, key));
  EXPECT_NE(draw_caption_dropout(0.5, 64, key), draw_caption_dropout(0.5, 64, {}));
}

TEST(FlowMatching, NoiseOfSuccessiveStepsIsIndependent) {
  std::vector<at::Tensor> firsts;
  for (std::int64_t step = 0; step < 4000; ++step) {
    firsts.push_back(draw_noise({1}, {.seed = 1, .step = step})[0]);
  }
  const at::Tensor series = at::stack(firsts);
  EXPECT_NEAR(mean_of(series), 0, 5 / std::sqrt(4000.0));
  EXPECT_NEAR(series.std().item<double>(), 1, 5 / std::sqrt(8000.0));
  EXPECT_NEAR(mean_of(series.narrow(0, 0, 3999) * series.narrow(0, 1, 3999)), 0,
              5 / std::sqrt(4000.0));
}

TEST(FlowMatching, ChecksItsArguments) {
  EXPECT_THROW(draw_sigmas({.shift = 0}, 1, {}), InvalidArgument);
  EXPECT_THROW(draw_sigmas({.deviation = -1}, 1, {}), InvalidArgument);
  EXPECT_THROW(draw_caption_dropout(1.5, 1, {}), InvalidArgument);
  const at::Tensor latents = at::zeros({2, 4, 1, 2, 2});
  EXPECT_THROW(flow_sample(latents, at::zeros({2, 4, 1, 2, 3}), at::zeros({2})), InvalidArgument);
  EXPECT_THROW(flow_sample(latents, latents, at::zeros({3})), InvalidArgument);
  EXPECT_THROW(flow_sample(latents[0], latents[0], at::zeros({4})), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
