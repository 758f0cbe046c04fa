#include "video/train/adamw.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/fixture.h"
#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/models/wan/wan_transformer.h"
#include "video/train/learning_rate.h"

namespace radial::video {
namespace {

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat);
}

NamedTensors small_weights() {
  return {{"a.linear.weight", random({7, 5}, 1)},
          {"a.linear.bias", random({7}, 2)},
          {"b.island.weight", random({3, 4, 2}, 3)},
          {"b.norm.weight", random({70}, 4)}};
}

const std::set<std::string> kIslands{"b.island.weight", "b.norm.weight"};

at::Tensor leaf(const Parameters& parameters, const std::string& name) {
  TableSource source = parameters.source();
  return source.tensor(name, parameters.named(parameters.masters()).at(name).sizes());
}

// Leaves the gradients of sum(weight * direction), as a backward pass does.
void backward(const Parameters& parameters, const NamedTensors& directions) {
  for (const auto& [name, direction] : directions) {
    const at::Tensor weight = leaf(parameters, name);
    (weight * direction.to(weight.dtype())).sum().backward();
  }
}

NamedTensors directions_of(std::uint64_t step) {
  NamedTensors directions;
  std::uint64_t seed = 100 * (step + 1);
  for (const auto& [name, tensor] : small_weights()) {
    directions[name] = random(tensor.sizes(), ++seed);
  }
  return directions;
}

// The formula, in double, of one tensor.
struct ExactAdamW {
  at::Tensor weight, first, second, average;

  explicit ExactAdamW(const at::Tensor& initial)
      : weight(initial.to(at::kDouble)),
        first(at::zeros_like(weight)),
        second(at::zeros_like(weight)),
        average(weight.clone()) {}

  void step(const at::Tensor& gradient, double rate, double decay, double t,
            const AdamWOptions& options) {
    weight = weight * (1 - rate * decay);
    first = first * options.beta1 + gradient * (1 - options.beta1);
    second = second * options.beta2 + gradient * gradient * (1 - options.beta2);
    const at::Tensor corrected = second / (1 - std::pow(options.beta2, t));
    weight =
        weight - first / (1 - std::pow(options.beta1, t)) * rate / (corrected.sqrt() + options.eps);
    const double keep = std::min(options.ema_decay, (1 + t) / (10 + t));
    average = average * keep + weight * (1 - keep);
  }
};

TEST(AdamW, FollowsTheFormula) {
  const AdamWOptions options{.weight_decay = 0.3, .clip_norm = 2.0, .ema_decay = 0.4};
  Parameters parameters(small_weights(), kIslands, {});
  AdamW optimiser(parameters, options);
  std::map<std::string, ExactAdamW> exact;
  for (const auto& [name, tensor] : small_weights()) exact.emplace(name, tensor);
  for (int step = 0; step < 20; ++step) {
    const NamedTensors gradients = directions_of(static_cast<std::uint64_t>(step));
    double square = 0;
    for (const auto& [name, gradient] : gradients) {
      square += gradient.to(at::kDouble).square().sum().item<double>();
    }
    const double norm = std::sqrt(square), rate = 0.01 * (step + 1);
    ASSERT_GT(norm, options.clip_norm);
    backward(parameters, gradients);
    parameters.gather_gradients();
    EXPECT_NEAR(optimiser.step(rate).item<double>(), norm, 1e-5 * norm);
    for (auto& [name, state] : exact) {
      const bool is_matrix = name.ends_with("linear.weight") || name.ends_with("island.weight");
      state.step(gradients.at(name).to(at::kDouble) * (options.clip_norm / norm), rate,
                 is_matrix ? options.weight_decay : 0, step + 1, options);
    }
  }
  for (const auto& [name, state] : exact) {
    EXPECT_LE(relative_l2(leaf(parameters, name), state.weight), 2e-6) << name;
    EXPECT_LE(relative_l2(optimiser.averaged().at(name), state.average), 2e-6) << name;
  }
}

TEST(AdamW, SmallGradientsAreNotClipped) {
  Parameters parameters(small_weights(), kIslands, {});
  AdamW optimiser(parameters, {.beta1 = 0, .clip_norm = 1e6});
  backward(parameters, directions_of(0));
  parameters.gather_gradients();
  optimiser.step(0.01);
  const at::Tensor moment = optimiser.state().at("first_moment.a.linear.bias");
  EXPECT_TRUE(moment.equal(directions_of(0).at("a.linear.bias")));
}

TEST(AdamW, SmallUpdatesAddUpInBfloat16) {
  const NamedTensors ones{{"linear.weight", at::ones({4, 4})}};
  Parameters parameters(ones, {}, {.compute = at::kBFloat16});
  AdamW optimiser(parameters, {.weight_decay = 0});
  // 1e-4 is lost beside 1 in bfloat16; a hundred of them are not.
  for (int step = 0; step < 100; ++step) {
    backward(parameters, ones);
    parameters.gather_gradients();
    optimiser.step(1e-4);
    if (step > 0) continue;
    EXPECT_EQ(leaf(parameters, "linear.weight").min().item<float>(), 1.0f);
  }
  EXPECT_EQ(leaf(parameters, "linear.weight").scalar_type(), at::kBFloat16);
  EXPECT_NEAR(leaf(parameters, "linear.weight").max().item<float>(), 0.99, 4e-3);
  EXPECT_NEAR(parameters.masters().max().item<float>(), 0.99, 1e-5);
}

TEST(AdamW, SkipsGradientsThatAreNotFinite) {
  Parameters parameters(small_weights(), kIslands, {});
  AdamW optimiser(parameters, {});
  NamedTensors before;
  for (const auto& [name, tensor] : optimiser.state()) before[name] = tensor.clone();
  NamedTensors gradients = directions_of(0);
  gradients["a.linear.bias"] = at::full({7}, std::numeric_limits<float>::infinity(), at::kFloat);
  backward(parameters, gradients);
  parameters.gather_gradients();
  EXPECT_FALSE(std::isfinite(optimiser.step(0.1).item<double>()));
  for (const auto& [name, tensor] : optimiser.state()) {
    EXPECT_TRUE(tensor.equal(before.at(name))) << name;
  }
  backward(parameters, directions_of(1));
  parameters.gather_gradients();
  EXPECT_TRUE(std::isfinite(optimiser.step(0.1).item<double>())) << "left behind";
  EXPECT_EQ(optimiser.state().at("updates").item<float>(), 1.0f);
}

TEST(AdamW, GoesOnFromAFileBitForBit) {
  const auto run = [](AdamW& optimiser, Parameters& parameters, int first, int last) {
    for (int step = first; step < last; ++step) {
      backward(parameters, directions_of(static_cast<std::uint64_t>(step)));
      parameters.gather_gradients();
      optimiser.step(0.01);
    }
  };
  const Parameters::Options bfloat16{.compute = at::kBFloat16};
  Parameters whole(small_weights(), kIslands, bfloat16);
  AdamW uninterrupted(whole, {});
  run(uninterrupted, whole, 0, 10);

  const TemporaryFolder folder;
  const std::filesystem::path file = folder.file("state.safetensors");
  {
    Parameters parameters(small_weights(), kIslands, bfloat16);
    AdamW optimiser(parameters, {});
    run(optimiser, parameters, 0, 4);
    save_tensors(file, optimiser.state());
  }
  NamedTensors others = small_weights();
  for (auto& [name, tensor] : others) tensor = tensor + 1;
  Parameters resumed(others, kIslands, bfloat16);
  AdamW optimiser(resumed, {});
  optimiser.load_state(load_tensors(file));
  run(optimiser, resumed, 4, 10);
  for (const auto& [name, tensor] : uninterrupted.state()) {
    EXPECT_TRUE(tensor.equal(optimiser.state().at(name))) << name;
  }
  for (const auto& [name, tensor] : small_weights()) {
    EXPECT_TRUE(leaf(whole, name).equal(leaf(resumed, name))) << name;
  }
}

TEST(AdamW, RefusesAnotherModelsState) {
  Parameters parameters(small_weights(), kIslands, {});
  AdamW optimiser(parameters, {});
  NamedTensors state = optimiser.state();
  state.erase("second_moment.a.linear.bias");
  EXPECT_THROW(optimiser.load_state(state), FormatError);
  state["second_moment.a.linear.bias"] = at::ones({8});
  EXPECT_THROW(optimiser.load_state(state), FormatError);
  state = optimiser.state();
  state.erase("updates");
  EXPECT_THROW(optimiser.load_state(state), FormatError);
}

TEST(AdamW, ChecksItsOptions) {
  Parameters parameters(small_weights(), kIslands, {});
  EXPECT_THROW(AdamW(parameters, {.beta1 = 1}), InvalidArgument);
  EXPECT_THROW(AdamW(parameters, {.eps = 0}), InvalidArgument);
  EXPECT_THROW(AdamW(parameters, {.weight_decay = -1}), InvalidArgument);
  EXPECT_THROW(AdamW(parameters, {.ema_decay = 1.5}), InvalidArgument);
}

TEST(Parameters, PassesAddUpInFloat32) {
  Parameters parameters(small_weights(), kIslands, {.compute = at::kBFloat16});
  NamedTensors large, small;
  for (const auto& [name, tensor] : small_weights()) {
    large[name] = at::ones(tensor.sizes());
    small[name] = at::full(tensor.sizes(), 0x1p-10, at::kFloat);  // lost beside 1 in bfloat16
  }
  for (const NamedTensors& directions : {large, small}) {
    backward(parameters, directions);
    parameters.gather_gradients();
  }
  for (const auto& [name, gradient] : parameters.named(parameters.gradients())) {
    EXPECT_TRUE((gradient == 1 + 0x1p-10).all().item<bool>()) << name;
  }
}

TEST(Parameters, KnowWhatDecays) {
  EXPECT_TRUE(Parameters::decays("blocks.0.attn1.to_q.weight", 2));
  EXPECT_TRUE(Parameters::decays("patch_embedding.weight", 5));
  EXPECT_FALSE(Parameters::decays("blocks.0.attn1.norm_q.weight", 1));
  EXPECT_FALSE(Parameters::decays("blocks.0.scale_shift_table", 3));
  EXPECT_FALSE(Parameters::decays("encoder.mid_block.norm.gamma", 4));
  EXPECT_FALSE(Parameters::decays("text_encoder.shared.weight", 2));
}

TEST(Parameters, RefuseWhatTheyCannotHold) {
  EXPECT_THROW(Parameters({}, {}, {}), InvalidArgument);
  EXPECT_THROW(Parameters(small_weights(), {"c"}, {}), InvalidArgument);
  EXPECT_THROW(Parameters(small_weights(), {}, {.compute = at::kHalf}), InvalidArgument);
  EXPECT_THROW(Parameters({{"a", at::ones({2}, at::kDouble)}}, {}, {}), InvalidArgument);
}

// The transformer keeps a reshaped view of its patch weight, which has to see updates, too.
TEST(Parameters, UpdatesReachTheViewsOfAModel) {
  WanConfig config;
  config.num_attention_heads = 2;
  config.attention_head_dim = 16;
  config.in_channels = config.out_channels = 4;
  config.text_dim = 8;
  config.freq_dim = 16;
  config.ffn_dim = 32;
  config.num_layers = 1;
  Parameters parameters(initial_weights(config, 1), {}, {});
  TableSource source = parameters.source();
  const WanTransformer model(config, source);
  const at::Tensor latents = random({1, 4, 1, 4, 4}, 5);
  const auto patches = [&] {
    at::Tensor seen;
    const WanTransformer::Tap tap = [&](const std::string& name, const at::Tensor& state) {
      if (name == "patch") seen = state;
    };
    const at::Tensor flow = model.forward(
        latents, at::full({1}, 500.0, at::kFloat), model.prepare_text(random({1, 3, 8}, 6)),
        model.prepare_video(model.layout_of(latents), at::kCPU), {}, tap);
    flow.sum().backward();  // twice through the same views
    return seen.detach().clone();
  };
  const at::Tensor before = patches();
  parameters.masters().mul_(2);
  parameters.publish();
  EXPECT_LE(relative_l2(patches(), before * 2), 1e-6);
}

TEST(LearningRate, WarmsUpAndFalls) {
  const LearningRate rate{.peak = 2, .warmup_steps = 4, .total_steps = 12, .final_ratio = 0.25};
  rate.check();
  EXPECT_DOUBLE_EQ(rate.at(0), 0.5);
  EXPECT_DOUBLE_EQ(rate.at(3), 2);
  EXPECT_DOUBLE_EQ(rate.at(4), 2);
  EXPECT_DOUBLE_EQ(rate.at(8), 2 * 0.625);  // half way down
  EXPECT_DOUBLE_EQ(rate.at(12), 0.5);
  EXPECT_DOUBLE_EQ(rate.at(1000), 0.5);
  EXPECT_THROW((LearningRate{.peak = 0}.check()), InvalidArgument);
  EXPECT_THROW((LearningRate{.warmup_steps = 5, .total_steps = 5}.check()), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
