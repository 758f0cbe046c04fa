// `radial train-base`: a run's folder, a run that is stopped and goes on, refusals.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "command_runner.h"

namespace radial::test {
namespace {

namespace fs = std::filesystem;

constexpr int kInterrupted = 130;
constexpr const char* kConfig = R"({"_class_name": "AutoencoderKLWan", "base_dim": 4,
  "decoder_base_dim": 4, "z_dim": 2, "dim_mult": [1, 2], "num_res_blocks": 1,
  "temperal_downsample": [true], "latents_mean": [0, 0], "latents_std": [1, 1]})";

class TrainBaseVae : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(folder_.path() / "config.json") << kConfig; }

  static std::string command(const std::string& arguments) {
    return "train-base vae --config config.json --width 16 --height 16 --clips 3 --clip-frames 3 "
           "--batch-size 1 --held-out-clips 2 --warmup-steps 5 " +
           arguments;
  }
  CommandResult run(const std::string& arguments) const {
    return run_radial(words(command(arguments)), folder_.path());
  }
  std::string content(const std::string& name) const { return read_file(folder_.path() / name); }

  TemporaryFolder folder_;
};

TEST_F(TrainBaseVae, WritesAnAutoEncoderWithItsLogAndSamples) {
  const CommandResult result = run("--out run --steps 12 --log-every 5 --learning-rate 0.004");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("step 1 of 12, loss "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("held out psnr "), std::string::npos) << result.err;
  EXPECT_TRUE(result.out.starts_with("trained    12 steps in ")) << result.out;
  const CommandResult inspected = run_radial(words("inspect run/vae"), folder_.path());
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_NE(inspected.out.find("BF16"), std::string::npos) << inspected.out;
  const auto config = nlohmann::json::parse(content("run/vae/config.json"));
  EXPECT_EQ(config.at("latents_std").size(), 2u);
  EXPECT_GT(config.at("latents_std")[0], 0);
  EXPECT_EQ(nlohmann::json::parse(content("run/settings.json")).at("learning-rate"), 0.004);
  EXPECT_EQ(std::ranges::count(content("run/log.jsonl"), '\n'), 5)
      << "steps 1, 5, 10, 12, held out";
  EXPECT_TRUE(content("run/samples.png").starts_with("\x89PNG"));
  const std::string curves = content("run/curves.png");
  EXPECT_TRUE(curves.starts_with("\x89PNG"));
  fs::remove(folder_.path() / "run/curves.png");
  EXPECT_EQ(run_radial(words("train-base curves run"), folder_.path()).out,
            "wrote      run/curves.png\n");
  EXPECT_EQ(content("run/curves.png"), curves);
}

TEST_F(TrainBaseVae, CurvesNeedALog) {
  EXPECT_EQ(run_radial(words("train-base curves none"), folder_.path()).err,
            "radial: RUN: expected the folder of a run, with log.jsonl, got 'none'\n");
  fs::create_directory(folder_.path() / "other");
  std::ofstream(folder_.path() / "other" / "log.jsonl") << "{\"step\": 1}\nno JSON\n";
  const CommandResult result = run_radial(words("train-base curves other"), folder_.path());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "radial: other/log.jsonl: expected a JSON object with step in each line\n");
}

TEST_F(TrainBaseVae, GoesOnToTheSameBits) {
  const std::string steps = "--steps 50 --save-every-s 1000 --learning-rate 0.004 --out ";
  ASSERT_EQ(run(steps + "whole --quiet").exit_code, 0);
  RunningCommand first(words(command(steps + "parts")), folder_.path());
  ASSERT_TRUE(first.says("step 1 of 50"));
  first.send(SIGTERM);
  const CommandResult stopped = first.wait();
  EXPECT_EQ(stopped.exit_code, kInterrupted);
  EXPECT_TRUE(
      stopped.err.ends_with("radial: interrupted; the same command with --resume goes on\n"))
      << stopped.err;
  EXPECT_FALSE(fs::exists(folder_.path() / "parts/vae"));
  const CommandResult rest = run(steps + "parts --resume");
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(rest.err.find("step 1 of 50"), std::string::npos) << "it began anew";
  const std::string weights = "/vae/diffusion_pytorch_model.safetensors";
  EXPECT_EQ(content("parts" + weights), content("whole" + weights));
  EXPECT_EQ(content("parts/vae/config.json"), content("whole/vae/config.json"));
}

TEST_F(TrainBaseVae, BeginsWithWeightsOfAnotherRun) {
  ASSERT_EQ(run("--out one --steps 2 --quiet").exit_code, 0);
  const CommandResult result = run_radial(
      words("train-base vae --width 16 --height 16 --clips 2 --clip-frames 3 --batch-size 1 "
            "--held-out-clips 1 --out two --init one --steps 1 --quiet"),
      folder_.path());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto config = nlohmann::json::parse(content("two/vae/config.json"));
  EXPECT_EQ(config.at("base_dim"), 4) << "sizes are those of the weights";
}

TEST_F(TrainBaseVae, DecoderAloneKeepsTheStatisticsOfTheLatents) {
  ASSERT_EQ(run("--out one --steps 2 --quiet").exit_code, 0);
  const std::string alone =
      "train-base vae --width 16 --height 16 --clips 2 --clip-frames 5 --batch-size 1 "
      "--held-out-clips 1 --decoder-only --first-frame-weight 4 --init one --out two --steps 3";
  const CommandResult result = run_radial(words(alone), folder_.path());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("held out first psnr "), std::string::npos) << result.err;
  const auto before = nlohmann::json::parse(content("one/vae/config.json"));
  EXPECT_EQ(nlohmann::json::parse(content("two/vae/config.json")), before);
  EXPECT_NE(content("two/vae/diffusion_pytorch_model.safetensors"),
            content("one/vae/diffusion_pytorch_model.safetensors"));
  const auto settings = nlohmann::json::parse(content("two/settings.json"));
  EXPECT_EQ(settings.at("decoder-only"), true);
  EXPECT_EQ(settings.at("first-frame-weight"), 4);
}

TEST_F(TrainBaseVae, EndsInTime) {
  const CommandResult result = run("--out run --max-time-s 8");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder_.path() / "run/vae/config.json"));
}

TEST_F(TrainBaseVae, SaysInOneLineWhatItHasNoMemoryFor) {
  const CommandResult result =
      run_radial(words("train-base vae --out run --steps 1 --batch-size 65536"), folder_.path());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(result.err.starts_with("radial: the training stopped: ")) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
}

TEST_F(TrainBaseVae, RefusesBadValuesInOneLine) {
  const std::pair<const char*, const char*> requests[] = {
      {"--steps 1", "--out: expected a folder for the run, got nothing"},
      {"--out run", "--steps, --max-time-s: expected one of them, or both, got neither"},
      {"--out none/run --steps 1",
       "--out: expected a folder, or a new one in a folder that exists"},
      {"--out run --steps 0", "--steps: expected a whole number from 1"},
      {"--out run --steps 1 --clip-frames 4",
       "--clip-frames: expected a number of the form 2k+1 (nearest 5), got '4'"},
      {"--out run --steps 1 --width 33", "--width: expected a multiple of 2 (nearest 34), got"},
      {"--out run --steps 1 --crop 32", "--crop: expected at most 16 pixels, got '32'"},
      {"--out run --steps 1 --dtype float16", "--dtype: expected float32 or bfloat16"},
      {"--out run --steps 1 --init none", "--init: expected a VAE's folder or file"},
      {"--out run --steps 1 --init config.json", "--init: "},
      {"--out run --steps 1 --decoder-only", "--decoder-only: expected --init with the"},
      {"--out run --steps 1 --decoder-only --init .",
       "--decoder-only: expected the sizes of --init, got '--config config.json'"},
      {"--out run --steps 1 --first-frame-weight 0", "--first-frame-weight: expected a number"},
      {"--out run --steps 1 --learning-rate -1", "--learning-rate: expected a number above 0"},
      {"--out run --steps 1 --memory-format odd", "--memory-format: expected channels-last or"},
      {"--out run --steps 1 --device tpu", "--device: expected cpu, cuda or cuda:N"},
      {"--out run --max-time-s 0", "--max-time-s: expected a number above 0"},
  };
  for (const auto& [arguments, begins] : requests) {
    SCOPED_TRACE(arguments);
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(result.err.starts_with(std::string("radial: ") + begins)) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(folder_.names(), std::vector<std::string>{"config.json"});
  }
}

TEST_F(TrainBaseVae, GoesOnOnlyWithTheSameSettings) {
  ASSERT_EQ(run("--out run --steps 1 --quiet").exit_code, 0);
  EXPECT_EQ(
      run("--out run --steps 1").err,
      "radial: --out: expected a folder without a run, got 'run'; --resume goes on with it\n");
  EXPECT_EQ(run("--out run --steps 1 --batch-size 2 --resume").err,
            "radial: --resume: expected a run of the same settings, got run with batch-size 1, not "
            "2\n");
}

}  // namespace
}  // namespace radial::test
