#include "video/train/dit_trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "engine/fixture.h"
#include "engine/masked_attention.h"
#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/models/plan_cache.h"

namespace radial::video {
namespace {

WanConfig wan_config() {
  WanConfig config;
  config.num_attention_heads = 2;
  config.attention_head_dim = 16;
  config.in_channels = config.out_channels = 4;
  config.text_dim = 16;
  config.text_len = 6;
  config.freq_dim = 16;
  config.ffn_dim = 64;
  config.num_layers = 2;
  return config;
}

Umt5Config text_config() {
  Umt5Config config;
  config.vocab_size = 20;
  config.d_model = 16;
  config.d_kv = 8;
  config.d_ff = 32;
  config.num_layers = 1;
  config.num_heads = 2;
  return config;
}

// Two clips, told apart by their captions, which differ in length.
DitBatch two_clips() {
  return {.latents = draw_noise({2, 4, 2, 4, 4}, {.seed = 50}), .captions = {{5, 6, 7, 1}, {8, 1}}};
}

DitBatch clip(std::int64_t index) {
  const DitBatch both = two_clips();
  return {.latents = both.latents.narrow(0, index, 1),
          .captions = {both.captions[static_cast<std::size_t>(index)]}};
}

DitTrainerOptions small_options() {
  DitTrainerOptions options;
  options.learning_rate = {.peak = 1e-2, .warmup_steps = 5, .total_steps = 200};
  options.seed = 3;
  return options;
}

DitTrainer make_trainer(const DitTrainerOptions& options = small_options()) {
  return DitTrainer(wan_config(), text_config(), initial_weights(wan_config(), 1),
                    initial_weights(text_config(), 2), options);
}

// Over draws that training does not make, so that the numbers of two batches compare.
double mean_loss(const DitTrainer& trainer, const DitBatch& batch) {
  const at::NoGradGuard no_grad;
  double sum = 0;
  constexpr int kDraws = 16;
  for (int draw = 0; draw < kDraws; ++draw) {
    sum += trainer.loss(batch, {.seed = 99, .step = draw}).item<double>();
  }
  return sum / kDraws;
}

TEST(DitTrainer, LearnsTwoClipsByTheirCaptions) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 0;
  DitTrainer trainer = make_trainer(options);
  const DitBatch batch = two_clips();
  DitBatch repeated{.latents = batch.latents.repeat({8, 1, 1, 1, 1}), .captions = {}};
  for (int copy = 0; copy < 8; ++copy) {
    repeated.captions.insert(repeated.captions.end(), batch.captions.begin(), batch.captions.end());
  }
  const double before = mean_loss(trainer, batch);
  for (int step = 0; step < 60; ++step) trainer.step({repeated});
  const double after = mean_loss(trainer, batch);
  RecordProperty("before", std::to_string(before));
  RecordProperty("after", std::to_string(after));
  EXPECT_LT(after, 0.7 * before);
  DitBatch swapped = batch;
  std::swap(swapped.captions[0], swapped.captions[1]);
  EXPECT_GT(mean_loss(trainer, swapped), 1.3 * after) << "captions are not listened to";
}

TEST(DitTrainer, TrainsEveryTensor) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 0;
  DitTrainer trainer = make_trainer(options);
  for (int step = 0; step < 3; ++step) trainer.step({two_clips()});  // the head begins at zero
  for (const auto& [name, moment] : trainer.state()) {
    if (!name.starts_with("second_moment.")) continue;
    EXPECT_GT(moment.abs().max().item<double>(), 0) << name;
  }
}

TEST(DitTrainer, ResumesBitForBit) {
  for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(compute);
    DitTrainerOptions options = small_options();
    options.placement.compute = compute;
    options.caption_dropout = 0.5;
    DitTrainer uninterrupted = make_trainer(options);
    for (int step = 0; step < 6; ++step) uninterrupted.step({two_clips()});

    const TemporaryFolder folder;
    {
      DitTrainer first = make_trainer(options);
      for (int step = 0; step < 3; ++step) first.step({two_clips()});
      save_tensors(folder.file("state.safetensors"), first.state());
    }
    DitTrainer resumed(wan_config(), text_config(), initial_weights(wan_config(), 7),
                       initial_weights(text_config(), 8), options);
    resumed.load_state(load_tensors(folder.file("state.safetensors")));
    EXPECT_EQ(resumed.num_steps(), 3);
    for (int step = 3; step < 6; ++step) resumed.step({two_clips()});
    const NamedTensors state = resumed.state();
    for (const auto& [name, tensor] : uninterrupted.state()) {
      EXPECT_TRUE(tensor.equal(state.at(name))) << name;
    }
  }
}

TEST(DitTrainer, PassesAddUpToTheirMean) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 0;
  options.optimiser.beta1 = 0;  // the first moment is the gradient
  options.optimiser.clip_norm = 0;
  DitTrainer trainer = make_trainer(options);
  const double first = trainer.loss(clip(0), {.seed = 3, .pass = 0}).item<double>();
  const double second = trainer.loss(clip(1), {.seed = 3, .pass = 1}).item<double>();
  const DitTrainer::Step step = trainer.step({clip(0), clip(1)});
  EXPECT_NEAR(step.loss.item<double>(), (first + second) / 2, 1e-6);

  const std::string name = "first_moment.transformer.proj_out.weight";
  const at::Tensor gradient = trainer.state().at(name);
  DitTrainer alone = make_trainer(options);
  alone.step({clip(0)});
  const at::Tensor of_first = alone.state().at(name);
  DitTrainer twice = make_trainer(options);
  twice.step({clip(0), clip(0)});  // other noise in the second pass
  EXPECT_GT(relative_l2(twice.state().at(name), of_first), 0.1);
  // The second pass's share: what two passes of the second clip give beyond the first of them.
  DitTrainer fresh = make_trainer(options);
  fresh.step({clip(1), clip(1)});
  const at::Tensor expected_difference = gradient - of_first / 2;
  DitTrainer both = make_trainer(options);
  both.step({clip(1)});
  const at::Tensor second_share = fresh.state().at(name) - both.state().at(name) / 2;
  EXPECT_LE(relative_l2(expected_difference, second_share), 1e-5);
}

TableSource part_of(const NamedTensors& state, const std::string& prefix) {
  NamedTensors found;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
  }
  return TableSource(std::move(found));
}

TEST(DitTrainer, LossIsThatOfTheModelsByThemselves) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 0;
  DitTrainer trainer = make_trainer(options);
  for (int step = 0; step < 3; ++step) trainer.step({two_clips()});
  // Two captions of one length, which the trainer encodes together.
  const DitBatch batch{.latents = draw_noise({3, 4, 2, 4, 4}, {.seed = 51}),
                       .captions = {{5, 6, 1}, {8, 1}, {9, 10, 1}}};
  const DrawKey key{.seed = 52};
  const at::NoGradGuard no_grad;
  TableSource transformer_weights = part_of(trainer.state(), "master.transformer.");
  const WanTransformer transformer(wan_config(), transformer_weights);
  TableSource text_weights = part_of(trainer.state(), "master.text_encoder.");
  const Umt5Encoder encoder(text_config(), text_weights);
  const at::Tensor embeddings = at::zeros({3, 6, 16});
  for (std::int64_t row = 0; row < 3; ++row) {
    const std::vector<std::int64_t>& caption = batch.captions[static_cast<std::size_t>(row)];
    const at::Tensor encoded = encoder.forward(at::tensor(caption, at::kLong).unsqueeze(0));
    embeddings[row].narrow(0, 0, encoded.size(1)).copy_(encoded[0]);
  }
  const FlowSample sample = flow_sample(batch.latents, draw_noise(batch.latents.sizes(), key),
                                        draw_sigmas(options.sigmas, 3, key));
  const at::Tensor flow = transformer.forward(
      sample.noisy, sample.timestep, transformer.prepare_text(embeddings),
      transformer.prepare_video(transformer.layout_of(batch.latents), at::kCPU));
  const double expected = (flow - sample.target).square().mean().item<double>();
  EXPECT_NEAR(trainer.loss(batch, key).item<double>(), expected, 1e-6 * expected);
}

TEST(DitTrainer, DroppedCaptionsAreTheEmptyOne) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 1;
  options.empty_caption = {4, 1};
  DitTrainer trainer = make_trainer(options);
  for (int step = 0; step < 3; ++step) trainer.step({two_clips()});
  DitBatch empty = two_clips();
  empty.captions = {{4, 1}, {4, 1}};
  EXPECT_EQ(mean_loss(trainer, two_clips()), mean_loss(trainer, empty));
}

TEST(DitTrainer, TrainsUnderAMask) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 0;
  DitTrainer trainer = make_trainer(options);
  std::vector<std::size_t> layers;
  const LayerAttention own(
      [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
        layers.push_back(static_cast<std::size_t>(q.size(1)));
        return dense_attention(q, k.narrow(1, 0, 4), v.narrow(1, 0, 4));
      },
      {true});
  for (int step = 0; step < 3; ++step) trainer.step({two_clips()}, own);
  EXPECT_EQ(layers, std::vector<std::size_t>(3, 8)) << "8 tokens, the second layer alone, 3 steps";
  const double masked = trainer.loss(two_clips(), {}, own).item<double>();
  EXPECT_NE(masked, trainer.loss(two_clips(), {}).item<double>());
}

TEST(DitTrainer, GradientsUnderAPlanAreThoseOfItsMask) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 0;
  options.optimiser.beta1 = 0;  // the first moment is the gradient
  options.optimiser.clip_norm = 0;
  options.token_order = TokenOrder::tiled(2, 4);
  NamedTensors weights = initial_weights(wan_config(), 1);
  // Beyond a head of zeros there are no gradients.
  weights["proj_out.weight"] = draw_noise({16, 32}, {.seed = 54}) * 0.1;
  // Long enough for the mask to leave blocks out.
  const DitBatch batch{.latents = draw_noise({1, 4, 16, 8, 16}, {.seed = 53}),
                       .captions = {{5, 6, 1}}};
  TableSource source(weights);
  const VideoLayout layout =
      WanTransformer(wan_config(), source).layout_of(batch.latents, options.token_order);
  PlanCache plans;
  const auto plan = plans.plan(layout, {.block_size = 64, .decay_factor = 0.3});
  ASSERT_LT(plan->plan().stats().density, 0.9);
  const auto gradient = [&](const LayerAttention& attention) {
    DitTrainer trainer(wan_config(), text_config(), weights, initial_weights(text_config(), 2),
                       options);
    trainer.step({batch}, attention);
    return trainer.state().at("first_moment.transformer.blocks.0.attn1.to_q.weight").clone();
  };
  const at::Tensor expected = gradient(LayerAttention(masked_attention(plan->plan()), {}));
  EXPECT_LE(relative_l2(gradient(LayerAttention(planned_attention(plan), {})), expected), 1e-4);
  EXPECT_GT(relative_l2(gradient({}), expected), 1e-2) << "the mask changes nothing";
}

TEST(DitTrainer, RefusesBadInput) {
  DitTrainerOptions options = small_options();
  options.caption_dropout = 2;
  EXPECT_THROW(make_trainer(options), InvalidArgument);
  options = small_options();
  options.empty_caption = {};
  EXPECT_THROW(make_trainer(options), InvalidArgument);
  NamedTensors incomplete = initial_weights(wan_config(), 1);
  incomplete.erase("proj_out.bias");
  EXPECT_THROW(DitTrainer(wan_config(), text_config(), incomplete,
                          initial_weights(text_config(), 2), small_options()),
               FormatError);
  DitTrainer trainer = make_trainer();
  EXPECT_THROW(trainer.step({}), InvalidArgument);
  DitBatch batch = two_clips();
  batch.captions.pop_back();
  EXPECT_THROW(trainer.step({batch}), InvalidArgument);
  batch = two_clips();
  batch.captions[0] = {20};
  EXPECT_THROW(trainer.step({batch}), InvalidArgument);
  batch.captions[0] = std::vector<std::int64_t>(7, 1);
  EXPECT_THROW(trainer.step({batch}), InvalidArgument);
  EXPECT_THROW(trainer.load_state({}), FormatError);
  EXPECT_EQ(trainer.num_steps(), 0);
}

}  // namespace
}  // namespace radial::video
