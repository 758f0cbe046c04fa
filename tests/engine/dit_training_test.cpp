#include "video/train/dit_training.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/fixture.h"
#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/text/train_tokenizer.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

WanModel small_model(const std::filesystem::path& tokenizer) {
  WanModel model;
  WanConfig& transformer = model.transformer_config;
  transformer.num_attention_heads = 2;
  transformer.attention_head_dim = 16;
  transformer.in_channels = transformer.out_channels = 4;
  transformer.text_dim = 16;
  transformer.text_len = 64;
  transformer.freq_dim = 32;
  transformer.ffn_dim = 64;
  transformer.num_layers = 2;
  Umt5Config& text = model.text_config;
  text.d_model = 16;
  text.d_kv = 8;
  text.d_ff = 32;
  text.num_layers = 2;
  text.num_heads = 2;
  WanVaeConfig& vae = model.vae_config;
  vae.base_dim = vae.decoder_base_dim = 4;
  vae.z_dim = 4;
  vae.num_res_blocks = 1;
  vae.dim_mult = {1, 2};
  vae.temporal_downsample = {true};
  vae.latents_mean = {0, 0, 0, 0};
  vae.latents_std = {0.2, 0.2, 0.2, 0.2};
  model.tokenizer = tokenizer;
  text.vocab_size = Tokenizer::open(tokenizer).vocabulary_size();
  model.transformer = initial_weights(transformer, 1);
  model.text_encoder = initial_weights(text, 2);
  model.vae = initial_weights(vae, 3);
  return model;
}

DitTrainingOptions small_options() {
  DitTrainingOptions options;
  options.trainer.learning_rate = {.peak = 1e-2, .warmup_steps = 5};
  options.trainer.seed = 4;
  options.batch_size = 4;
  options.size = {.width = 16, .height = 16, .num_frames = 3};
  options.clips = {.seed = 5, .capacity = 4, .new_per_step = 1};
  options.eval_clips = 6;
  options.held_out_samples = 2;
  options.trained_samples = 1;
  options.samples.num_steps = 3;
  return options;
}

class DitTrainingTest : public testing::Test {
 protected:
  DitTrainingTest() {
    std::vector<std::string> captions;
    for (std::uint64_t i = 0; i < 300; ++i) {
      captions.push_back(caption(sample_training_scene(1, i), i % 4));
    }
    train_tokenizer(captions, 600, folder_.file("words"));
  }
  DitTraining make(const DitTrainingOptions& options = small_options()) const {
    return DitTraining(small_model(folder_.file("words")), options);
  }
  static void run(DitTraining& training, std::int64_t begin, std::int64_t end) {
    for (std::int64_t step = begin; step < end; ++step) {
      training.step({.step = step, .progress = static_cast<double>(step) / 100});
    }
  }
  static std::map<std::string, double> by_name(const LogValues& values) {
    return {values.begin(), values.end()};
  }

  TemporaryFolder folder_;
};

TEST_F(DitTrainingTest, LearnsAHandfulOfClips) {
  DitTrainingOptions options = small_options();
  options.clips.new_per_step = 0;
  options.batch_size = 8;
  DitTraining training = make(options);
  run(training, 0, 10);
  const double first = by_name(training.measured()).at("loss");
  run(training, 10, 80);
  training.measured();
  run(training, 80, 90);
  const auto last = by_name(training.measured());
  RecordProperty("first", std::to_string(first));
  RecordProperty("last", std::to_string(last.at("loss")));
  EXPECT_LT(last.at("loss"), 0.6 * first);
  EXPECT_GT(last.at("gradient_norm"), 0);
  EXPECT_EQ(last.at("clips"), 4);
  EXPECT_TRUE(training.measured().empty()) << "nothing since the last call";
}

TEST_F(DitTrainingTest, ResumesBitForBit) {
  DitTraining uninterrupted = make();
  run(uninterrupted, 0, 6);
  NamedTensors kept;
  {
    DitTraining first = make();
    run(first, 0, 3);
    for (const auto& [name, tensor] : first.state()) kept.emplace(name, tensor.clone());
  }
  DitTraining resumed = make();
  resumed.load_state(kept);
  run(resumed, 3, 6);
  const NamedTensors state = resumed.state();
  for (const auto& [name, tensor] : uninterrupted.state()) {
    EXPECT_TRUE(tensor.equal(state.at(name))) << name;
  }
}

TEST_F(DitTrainingTest, EvaluatesTheAveragedWeightsOnTheSameNoise) {
  DitTraining training = make();
  const double before = by_name(training.evaluated()).at("eval_loss");
  EXPECT_EQ(by_name(training.evaluated()).at("eval_loss"), before);
  EXPECT_GT(before, 1) << "of a head of zeros: the mean square of noise - latents";
  run(training, 0, 30);
  EXPECT_LT(by_name(training.evaluated()).at("eval_loss"), before);
}

TEST_F(DitTrainingTest, WritesAModelThatIsReadBack) {
  DitTraining training = make();
  run(training, 0, 2);
  training.write_results(folder_.path());
  run(training, 2, 4);
  training.write_results(folder_.path());
  const WanModel read = read_model_folder(folder_.file("model"));
  const NamedTensors state = training.state();
  for (const auto& [name, tensor] : read.transformer) {
    const at::Tensor average = state.at("average.transformer." + name);
    EXPECT_TRUE(tensor.equal(average.to(at::kBFloat16).to(at::kFloat))) << name;
  }
  EXPECT_EQ(read.flow_shift, 3);
  EXPECT_EQ(read.transformer_config.text_len, 64);

  const DitTraining::Samples samples = training.samples();
  ASSERT_EQ(samples.prompts.size(), 3u);
  ASSERT_EQ(samples.clips.size(), 3u);
  EXPECT_EQ(samples.prompts[1], held_out_prompts(2)[1].text);
  EXPECT_EQ(samples.clips[0].sizes(), at::IntArrayRef({3, 3, 16, 16}));
  EXPECT_EQ(samples.clips[0].scalar_type(), at::kByte);
  EXPECT_TRUE(samples.clips[0].equal(training.samples().clips[0]));
}

TEST_F(DitTrainingTest, RefusesBadOptions) {
  DitTrainingOptions options = small_options();
  options.batch_size = 0;
  EXPECT_THROW(make(options), InvalidArgument);
  options = small_options();
  options.eval_clips = kMaxHeldOutPrompts + 1;
  EXPECT_THROW(make(options), InvalidArgument);
  WanModel model = small_model(folder_.file("words"));
  model.text_config.vocab_size = 300;
  model.text_encoder = initial_weights(model.text_config, 2);
  EXPECT_THROW(DitTraining(std::move(model), small_options()), InvalidArgument);
  model = small_model(folder_.file("words"));
  model.vae_config.z_dim = 8;
  EXPECT_THROW(DitTraining(std::move(model), small_options()), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
