#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "small_model.h"

namespace radial::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSizes = R"({
  "transformer": {"num_attention_heads": 2, "attention_head_dim": 16, "ffn_dim": 32,
                  "num_layers": 2, "text_dim": 16, "freq_dim": 16},
  "text_encoder": {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 2, "num_heads": 2}})";

// The small model's VAE has a clip of 3 frames of 16 x 16 pixels as 2 latent frames of 8 x 8.
class TrainBaseDitTest : public SmallModelTest {
 protected:
  TrainBaseDitTest() { std::ofstream(folder_.path() / "sizes.json") << kSizes; }

  CommandResult train(const std::string& arguments) const {
    return run_radial(words("train-base " + arguments), folder_.path());
  }
  static std::string dit(const std::string& more) {
    return "dit --config sizes.json --width 16 --height 16 --num-frames 3 --clips 6 --batch-size 2 "
           "--eval-clips 2 --samples 1 --trained-samples 1 --sample-steps 2 --quiet " +
           more;
  }
  std::vector<nlohmann::json> log(const std::string& run) const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(content(run + "/log.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

TEST_F(TrainBaseDitTest, MakesAModelThatGenerates) {
  const CommandResult trained =
      train(dit("--vae model --steps 4 --log-every 2 --out run --seed 3"));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  for (const char* file :
       {"settings.json", "samples.png", "samples.txt", "state.safetensors",
        "model/model_index.json", "model/tokenizer/spiece.model", "model/vae/config.json"}) {
    EXPECT_TRUE(fs::exists(folder_.path() / "run" / file)) << file;
  }
  const std::vector<nlohmann::json> lines = log("run");
  ASSERT_EQ(lines.size(), 4u) << "steps 1, 2 and 4, and the evaluation";
  EXPECT_GT(lines[2].at("loss").get<double>(), 0);
  EXPECT_EQ(lines[2].at("clips").get<int>(), 6 + 3) << "a new clip before each step but the first";
  EXPECT_GT(lines[3].at("eval_loss").get<double>(), 0);
  const std::string prompts = content("run/samples.txt");
  EXPECT_EQ(std::ranges::count(prompts, '\n'), 2);

  // Another VAE of the same form, and weights in several files.
  const CommandResult made =
      train("model --dit run --vae model --out whole --flow-shift 2 --max-shard-mb 1");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const char* model : {"run/model", "whole"}) {
    const CommandResult generated =
        run_radial({"generate", "--model", model, "--prompt", "a red ball moves left", "--size",
                    "16x16", "--num-frames", "3", "--steps", "2", "--output", "x.png"},
                   folder_.path());
    EXPECT_EQ(generated.exit_code, 0) << model << generated.err;
  }
}

TEST_F(TrainBaseDitTest, BeginsWithAModelOnStoredClips) {
  const std::string size = "--width 16 --height 16 --num-frames 3 ";
  ASSERT_EQ(train(dit("--vae model --tokenizer model/tokenizer --steps 2 --out first")).exit_code,
            0);
  const CommandResult encoded =
      train("latents --vae first/model --clips 5 --clips-per-file 2 --out clips " + size);
  ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
  EXPECT_NE(encoded.out.find("5 clips"), std::string::npos) << encoded.out;
  const std::string begin =
      "dit --init first/model --latents clips --batch-size 2 --eval-clips 2 "
      "--samples 1 --sample-steps 2 --quiet --out second " +
      size;
  const CommandResult trained = train(begin + "--steps 3");
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(log("second").front().at("clips").get<int>(), 5);
  EXPECT_EQ(content("second/model/tokenizer/spiece.model"),
            content("model/tokenizer/spiece.model"));
  EXPECT_EQ(train(begin + "--steps 3 --resume").exit_code, 0) << "there is nothing left to do";
  // The folder's VAE is the rounded one: clips of the other do not fit.
  const CommandResult other = train(begin + "--steps 3 --vae model --out third");
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("this VAE"), std::string::npos) << other.err;
}

TEST_F(TrainBaseDitTest, BeginsWithATaughtTextEncoder) {
  const CommandResult taught = train(
      "text --config sizes.json --batch-size 4 --eval-prompts 4 --steps 3 --out text --quiet");
  ASSERT_EQ(taught.exit_code, 0) << taught.err;
  EXPECT_GT(log("text").back().at("facts_right").get<double>(), 0);
  const CommandResult trained = train(dit("--vae model --text text --steps 1 --out run"));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(content("run/model/tokenizer/spiece.model"), content("text/tokenizer/spiece.model"));
}

TEST_F(TrainBaseDitTest, RefusesInOneLineBeforeAnythingIsWritten) {
  const std::vector<std::string> before = written();
  const std::vector<std::pair<std::string, std::string>> cases{
      {"dit --out run --steps 1", "--vae"},
      {dit("--vae model --out run"), "--steps"},
      {dit("--vae model --steps 1"), "--out"},
      {dit("--vae nowhere --out run --steps 1"), "nowhere"},
      {dit("--vae model --out run --steps 1 --width 17"), "--width"},
      {dit("--vae model --out run --steps 1 --num-frames 4"), "--num-frames"},
      {dit("--vae model --out run --steps 1 --draw-share 0.5 --new-clips 1"), "--draw-share"},
      {dit("--vae model --out run --steps 1 --latents nowhere"), "--latents"},
      {dit("--vae model --out run --steps 1 --tokenizer model"), "--tokenizer"},
      {dit("--vae model --out run --steps 1 --init model"), "--init"},
      {dit("--vae model --out run --steps 1 --text nowhere"), "--text"},
      {dit("--vae model --out run --steps 1 --text model --tokenizer model/tokenizer"),
       "--tokenizer"},
      {"text --steps 1", "--out"},
      {"text --out run --steps 1 --dtype float16", "--dtype"},
      {"text --out run --steps 1 --config nowhere", "--config"},
      {dit("--vae model --out run --steps 1 --dtype float16"), "--dtype"},
      {dit("--vae model --out run --steps 1 --learning-rate 0"), "--learning-rate"},
      {dit("--vae model --out run --steps 1 --config model"), "--config"},
      {"latents --out clips", "--vae"},
      {"latents --vae model --out clips --width 17", "width"},
      {"latents --vae model", "--out"},
      {"model --dit model --out model", "--out"},
      {"model --dit nowhere --out whole", "--dit"},
      {"model --out whole", "--dit"}};
  for (const auto& [arguments, named] : cases) {
    const CommandResult result = train(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << arguments << ": " << result.err;
    EXPECT_NE(result.err.find(named), std::string::npos) << arguments << ": " << result.err;
    EXPECT_EQ(written(), before) << arguments;
  }
}

}  // namespace
}  // namespace radial::test
