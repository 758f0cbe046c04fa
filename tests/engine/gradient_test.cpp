// The models that generate are the ones that are trained: their gradients are those of diffusers
// under torch's autograd (tests/parity/generate/training_fixtures.py).
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/fixture.h"
#include "engine/wan_transformer_fixture.h"
#include "video/models/wan/wan_transformer.h"
#include "video/vae/wan_vae.h"

namespace radial::video {
namespace {

using Weights = std::map<std::string, at::Tensor>;

Weights weights_of(const std::string& file, at::ScalarType dtype = at::kFloat) {
  const std::string prefix = "weights.";
  Weights weights;
  for (const auto& [name, tensor] :
       load_tensors(std::filesystem::path(RADIAL_PARITY_DATA) / file)) {
    if (name.starts_with(prefix)) {
      weights[name.substr(prefix.size())] = tensor.to(dtype, false, true).set_requires_grad(true);
    }
  }
  return weights;
}

// Sum, norm and product with the weight of every gradient, relative to the gradient's norm.
void expect_gradients(const std::string& part, const at::Tensor& loss, const Weights& weights) {
  constexpr double kTolerance = 1e-5;
  const Fixture expected("training_gradients.safetensors");
  const double expected_loss = expected[part + ".loss"].item<double>();
  EXPECT_NEAR(loss.item<double>(), expected_loss, kTolerance * expected_loss);
  loss.backward();
  for (const auto& [name, weight] : weights) {
    ASSERT_TRUE(weight.grad().defined()) << name;
    const at::Tensor gradient = weight.grad().to(at::kDouble), value = weight.to(at::kDouble);
    const at::Tensor wanted = expected[part + "." + name];
    const double norm = wanted[1].item<double>();
    const double root = std::sqrt(static_cast<double>(gradient.numel()));
    // By Cauchy and Schwarz an error of the gradient reaches the sum by at most sqrt(n), the
    // product by at most the weight's norm.
    EXPECT_NEAR(gradient.sum().item<double>(), wanted[0].item<double>(), kTolerance * norm * root)
        << name;
    EXPECT_NEAR(gradient.norm().item<double>(), norm, kTolerance * norm) << name;
    EXPECT_NEAR((gradient * value).sum().item<double>(), wanted[2].item<double>(),
                kTolerance * norm * value.norm().item<double>())
        << name;
  }
}

TEST(Gradients, OfTheTransformerAreThoseOfDiffusers) {
  const Fixture fixture("wan_transformer.safetensors");
  const WanConfig config = wan_transformer_config();
  const Weights weights = weights_of("wan_transformer.safetensors");
  TableSource source(weights);
  const WanTransformer model(config, source);
  source.finish();
  const at::Tensor latents = fixture["hidden_states"];
  const at::Tensor flow = model.forward(latents, fixture["timestep"],
                                        model.prepare_text(fixture["encoder_hidden_states"]),
                                        model.prepare_video(model.layout_of(latents), at::kCPU));
  expect_gradients("transformer", (flow - latents.narrow(1, 0, 4)).square().mean(), weights);
}

TEST(Gradients, OfTheVaeAreThoseOfDiffusers) {
  const Fixture fixture("wan_vae.safetensors");
  WanVaeConfig config;
  config.base_dim = config.decoder_base_dim = 4;
  config.z_dim = 3;
  config.dim_mult = {1, 2, 2, 2};
  config.num_res_blocks = 1;
  config.latents_mean = {0.1, -0.2, 0.3};
  config.latents_std = {1.5, 0.7, 2.0};
  // In double, as the fixture: the L1 loss has a kink where rounding decides.
  const Weights weights = weights_of("wan_vae.safetensors", at::kDouble);
  TableSource source(weights);
  const WanVae vae(config, source);
  source.finish();
  const at::Tensor pixels = fixture["pixels"].to(at::kDouble);
  const std::vector<at::Tensor> parts = vae.distribution(pixels).chunk(2, 1);
  const at::Tensor& mean = parts[0];
  const at::Tensor& log_variance = parts[1];
  const at::Tensor decoded = vae.decode_unclamped(mean + (log_variance * 0.5).exp() * 0.1);
  const at::Tensor divergence =
      (mean.square() + log_variance.exp() - 1 - log_variance).mean() * 0.5;
  expect_gradients("vae", (decoded - pixels).abs().mean() + divergence * 0.01, weights);
}

}  // namespace
}  // namespace radial::video
