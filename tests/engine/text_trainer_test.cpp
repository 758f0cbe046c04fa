#include "video/train/text_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/fixture.h"
#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/text/train_tokenizer.h"
#include "video/train/caption_targets.h"
#include "video/train/model_folder.h"

namespace radial::video {
namespace {

std::vector<float> targets_of(const std::string& text) {
  std::vector<float> targets(static_cast<std::size_t>(num_caption_targets()), 7);
  caption_targets(parse_caption(text), targets);
  return targets;
}

TEST(CaptionTargets, TellCaptionsApartAndParaphrasesNot) {
  std::set<std::vector<float>> seen;
  std::map<std::vector<float>, std::string> said;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Scene scene = sample_training_scene(3, i);
    const std::string plain = caption(scene, 0);
    const std::vector<float> targets = targets_of(plain);
    double ones = 0;
    for (const float target : targets) {
      EXPECT_TRUE(target == 0 || target == 1);
      ones += target;
    }
    const CaptionFacts facts = parse_caption(plain);
    EXPECT_EQ(ones, 3.0 * static_cast<double>(facts.bodies.size()) + 2 + (facts.ground ? 1 : 0) +
                        (facts.sky ? 1 : 0))
        << plain;
    for (std::uint64_t variant = 1; variant < 6; ++variant) {
      const std::string other = caption(scene, variant);
      EXPECT_EQ(targets_of(other) == targets, parse_caption(other) == facts) << other;
    }
  }
  std::vector<float> short_of_one(static_cast<std::size_t>(num_caption_targets()) - 1);
  EXPECT_THROW(caption_targets(CaptionFacts{}, short_of_one), InvalidArgument);
}

Umt5Config small_config() {
  Umt5Config config;
  config.d_model = 48;
  config.d_kv = 16;
  config.d_ff = 64;
  config.num_layers = 2;
  config.num_heads = 3;
  return config;
}

class TextTrainerTest : public testing::Test {
 protected:
  TextTrainerTest() : config_(small_config()) {
    std::vector<std::string> captions;
    for (std::uint64_t i = 0; i < 300; ++i) {
      captions.push_back(caption(sample_training_scene(1, i), i % 4));
    }
    train_tokenizer(captions, 600, folder_.file("tokenizer"));
    config_.vocab_size = Tokenizer::open(folder_.file("tokenizer")).vocabulary_size();
    options_.batch_size = 24;
    options_.eval_prompts = 20;
    options_.learning_rate = {.peak = 1e-2, .warmup_steps = 5};
    options_.optimiser.ema_decay = 0.9;
  }
  TextTrainer make() const {
    return TextTrainer(config_, initial_weights(config_, 2), folder_.file("tokenizer"), options_);
  }
  static void run(TextTrainer& trainer, std::int64_t begin, std::int64_t end) {
    for (std::int64_t step = begin; step < end; ++step) {
      trainer.step({.step = step, .progress = static_cast<double>(step) / 400});
    }
  }
  static std::map<std::string, double> by_name(const LogValues& values) {
    return {values.begin(), values.end()};
  }

  TemporaryFolder folder_;
  Umt5Config config_;
  TextTrainerOptions options_;
};

TEST_F(TextTrainerTest, LearnsWhatAHandfulOfCaptionsSay) {
  options_.batch_size = 8;
  TextTrainer trainer = make();
  const auto first = by_name(trainer.evaluated());
  EXPECT_NEAR(first.at("eval_loss"), std::log(2.0), 1e-5) << "the layer begins with zeros";
  for (int i = 0; i < 60; ++i) trainer.step({.step = 7});  // the same captions each time
  trainer.measured();
  for (int i = 0; i < 5; ++i) trainer.step({.step = 7});
  const auto measured = by_name(trainer.measured());
  RecordProperty("loss", std::to_string(measured.at("loss")));
  // A layer that does not look at the text gets to about 0.25: facts are wrong as often as rare.
  EXPECT_LT(measured.at("loss"), 0.12);
  EXPECT_GT(measured.at("gradient_norm"), 0);
  EXPECT_TRUE(trainer.measured().empty()) << "nothing since the last call";
  const auto last = by_name(trainer.evaluated());
  EXPECT_LT(last.at("eval_loss"), first.at("eval_loss"));
  EXPECT_GT(last.at("facts_right"), 0.8) << "most facts are zeros";
  EXPECT_LT(last.at("facts_right"), 1);
}

TEST_F(TextTrainerTest, ResumesBitForBit) {
  TextTrainer whole = make();
  run(whole, 0, 4);
  TextTrainer begun = make(), resumed = make();
  run(begun, 0, 2);
  NamedTensors kept;
  for (const auto& [name, tensor] : begun.state()) kept.emplace(name, tensor.clone());
  resumed.load_state(kept);
  run(resumed, 2, 4);
  for (const auto& [name, tensor] : whole.state()) {
    EXPECT_TRUE(tensor.equal(resumed.state().at(name))) << name;
  }
}

TEST_F(TextTrainerTest, WritesAnEncoderThatIsReadBack) {
  TextTrainer trainer = make();
  run(trainer, 0, 2);
  trainer.write_results(folder_.path());
  const TextWeights text = read_text_folder(folder_.path());
  EXPECT_EQ(text.config.d_model, config_.d_model);
  EXPECT_EQ(text.config.vocab_size, config_.vocab_size);
  const NamedTensors averaged = trainer.state();
  for (const auto& [name, tensor] : text.weights) {
    const at::Tensor expected = averaged.at("average.encoder." + name);
    EXPECT_TRUE(tensor.equal(expected.to(at::kBFloat16).to(at::kFloat))) << name;
  }
}

TEST_F(TextTrainerTest, RefusesBadOptions) {
  options_.batch_size = 0;
  EXPECT_THROW(make(), InvalidArgument);
  options_.batch_size = 2;
  options_.eval_prompts = 0;
  EXPECT_THROW(make(), InvalidArgument);
  options_.eval_prompts = 2;
  config_.vocab_size = 10;
  EXPECT_THROW(make(), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
