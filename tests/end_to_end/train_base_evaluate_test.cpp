// `radial train-base evaluate`: clips of held-out prompts are made, judged, compared and kept.

#include <ATen/TensorOperators.h>
#include <ATen/ops/norm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "small_model.h"
#include "video/checkpoint/checkpoint_source.h"

namespace radial::test {
namespace {

namespace fs = std::filesystem;

class TrainBaseEvaluate : public SmallModelTest {
 protected:
  CommandResult evaluate(const std::string& more) const {
    return run_radial(words("train-base evaluate --model model --out judged --prompts 2 --size "
                            "64x64 --num-frames 25 --steps 2 --cfg-scale 1 " +
                            more),
                      folder_.path());
  }
  fs::path in_judged(const std::string& name) const { return folder_.path() / "judged" / name; }
};

TEST_F(TrainBaseEvaluate, MakesJudgesAndKeepsClips) {
  const CommandResult result = evaluate("--seed 5");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("clips, clip 1: 100 %; 50 % of all 2, "), std::string::npos);
  const auto report = nlohmann::json::parse(content("judged/evaluation.json"));
  ASSERT_EQ(report["clips"].size(), 2u);
  EXPECT_EQ(report["clips"][1]["seed"], 6);
  // Random weights show nothing: the judge must not find what was asked for.
  ASSERT_EQ(report["settings"].size(), 1u);
  const auto& setting = report["settings"][0];
  EXPECT_EQ(setting["shares"]["shape"], 0);
  EXPECT_EQ(setting["shares"]["all"], 0);
  EXPECT_EQ(report["clips"][0]["clips"]["judged"]["number"]["right"], false);
  EXPECT_FALSE(setting.contains("psnr"));
  EXPECT_GT(setting["seconds"]["denoising"].get<double>(), 0);
  EXPECT_NE(result.out.find("clips       0.0 %"), std::string::npos) << result.out;
  EXPECT_TRUE(content("judged/sheet.png").starts_with("\x89PNG"));
  EXPECT_TRUE(fs::exists(in_judged(RADIAL_LIBAV ? "clips/clip_0002.mp4" : "clips/clip_0002.png")));
}

TEST_F(TrainBaseEvaluate, GoesOnWhereItStopped) {
  ASSERT_EQ(evaluate("--seed 5").exit_code, 0);
  const auto shares = [&] {
    return nlohmann::json::parse(content("judged/evaluation.json"))["settings"][0]["shares"];
  };
  const auto first = shares();
  // What was found of one clip is missing: that one alone is made again, and is the same.
  const auto made = fs::last_write_time(in_judged("clips/clip_0001.safetensors"));
  const std::string bytes = content("judged/clips/clip_0002.safetensors");
  for (const char* name : {"clips/clip_0002.json", "clips/clip_0002.safetensors"}) {
    fs::remove(in_judged(name));
  }
  const CommandResult again = evaluate("--seed 5");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(again.err.starts_with("clips, clip 2: 100 %; 100 % of all 1, ")) << again.err;
  EXPECT_EQ(std::ranges::count(again.err, '\n'), 1) << again.err;
  EXPECT_EQ(fs::last_write_time(in_judged("clips/clip_0001.safetensors")), made);
  EXPECT_EQ(content("judged/clips/clip_0002.safetensors"), bytes);
  EXPECT_EQ(shares(), first);

  const CommandResult other = evaluate("--seed 6");
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_EQ(other.err,
            "radial: --out: expected a new folder or one of the same settings, got judged/clips "
            "with other seed\n");
}

TEST_F(TrainBaseEvaluate, MakesTheClipsOfGenerate) {
  std::ofstream(folder_.path() / "two.txt")
      << "# of the world\na red ball moves to the left\na blue cube spins\n";
  ASSERT_EQ(evaluate("--prompts two.txt --seed 5 --quiet").exit_code, 0);
  std::vector<std::string> arguments = words(
      "generate --model model --size 64x64 --num-frames 25 --steps 2 --cfg-scale 1 --seed 6 "
      "--save-latents alone.safetensors --output alone.png --quiet --prompt");
  arguments.emplace_back("a blue cube spins");
  const CommandResult alone = run_radial(arguments, folder_.path());
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(content("judged/clips/clip_0002.safetensors"), content("alone.safetensors"));
}

TEST_F(TrainBaseEvaluate, MakesSeveralClipsAtOnceAsOneByOne) {
  ASSERT_EQ(evaluate("--seed 5 --cfg-scale 2 --quiet").exit_code, 0);
  ASSERT_EQ(evaluate("--seed 5 --cfg-scale 2 --quiet --out both --batch-size 2").exit_code, 0);
  for (const char* name : {"clip_0001.safetensors", "clip_0002.safetensors"}) {
    const auto latents = [&](const fs::path& folder) {
      return video::load_tensors(folder_.path() / folder / "clips" / name).at("latents");
    };
    const at::Tensor alone = latents("judged"), together = latents("both");
    EXPECT_LT((alone - together).norm().item<float>(), 1e-5F * alone.norm().item<float>());
  }
}

TEST_F(TrainBaseEvaluate, ComparesARuleWithDense) {
  const CommandResult result = evaluate("--compare window --window-width 100 --quiet");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  const auto report = nlohmann::json::parse(content("judged/evaluation.json"));
  ASSERT_EQ(report["settings"].size(), 2u);
  const auto &dense = report["settings"][0], &compared = report["settings"][1];
  EXPECT_EQ(dense["attention"], "dense");
  EXPECT_FALSE(dense.contains("psnr"));
  EXPECT_TRUE(compared["attention"].get<std::string>().starts_with("window"));
  EXPECT_EQ(compared["shares"]["all"], 0);
  EXPECT_EQ(report["clips"][0]["compared"]["judged"]["all"], false);
  // Other clips, but of the same noise.
  EXPECT_LT(compared["ssim"], 1.0);
  EXPECT_GT(compared["ssim"], 0.2);
  EXPECT_GT(compared["psnr"], 10.0);
  const double mean = (report["clips"][0]["compared"]["psnr"].get<double>() +
                       report["clips"][1]["compared"]["psnr"].get<double>()) /
                      2;
  EXPECT_NEAR(compared["psnr"].get<double>(), mean, 1e-9);
  EXPECT_NE(content("judged/dense/clip_0001.safetensors"),
            content("judged/compared/clip_0001.safetensors"));
}

TEST_F(TrainBaseEvaluate, SweepsDenseLayersAndSteps) {
  const CommandResult result = evaluate(
      "--compare window --window-width 100 --sweep-dense-layers 0,1 --sweep-dense-steps 0,2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = nlohmann::json::parse(content("judged/evaluation.json"));
  std::vector<std::string> names, layers, steps;
  for (const auto& setting : report["settings"]) {
    names.push_back(setting["name"]);
    layers.push_back(setting["dense_layers"]);
    steps.push_back(setting["dense_steps"]);
    EXPECT_NE(result.out.find("\n" + names.back()), std::string::npos) << result.out;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"dense", "dense_layers_0_steps_0", "dense_layers_0_steps_2",
                                      "dense_layers_1_steps_0", "dense_layers_1_steps_2"}));
  EXPECT_EQ(layers, (std::vector<std::string>{"none", "none", "none", "0", "0"}));
  EXPECT_EQ(steps, (std::vector<std::string>{"none", "none", "0-1", "none", "0-1"}));
  // All steps dense: the same clip. The more is dense, the nearer.
  EXPECT_TRUE(report["settings"][2]["psnr"].is_null());
  EXPECT_EQ(content("judged/dense/clip_0001.safetensors"),
            content("judged/dense_layers_0_steps_2/clip_0001.safetensors"));
  EXPECT_GT(report["settings"][3]["psnr"], report["settings"][1]["psnr"]);
  EXPECT_GT(report["settings"][1]["saving_in_run"], report["settings"][3]["saving_in_run"]);
}

TEST_F(TrainBaseEvaluate, RefusesBadValuesInOneLine) {
  std::ofstream(folder_.path() / "foxes.txt") << "a red fox\n";
  const std::pair<const char*, const char*> requests[] = {
      {"--prompts none.txt", "--prompts: expected a number or a file that exists"},
      {"--prompts 501", "--prompts: expected a whole number from 1 to 500"},
      {"--prompts foxes.txt", "--prompts: line 'a red fox'"},
      {"--num-frames 13", "--num-frames: expected at least 25 to be judged at 16 a second"},
      {"--num-frames 25 --fps 24", "--num-frames: expected at least 37"},
      {"--size 48x64", "--width: expected at least 64 pixels"},
      {"--num-frames 26", "--num-frames: expected"},
      {"--compare radiall", "--compare: expected"},
      {"--compare radial --attention disc", "--compare and --attention: expected one of them"},
      {"--sweep-dense-steps 1,2", "--sweep-dense-timesteps: expected with --compare"},
      {"--compare radial --sweep-dense-layers 1,x", "--sweep-dense-layers: expected"},
      {"--compare radial --sweep-dense-layers 1,1", "--sweep-dense-layers: expected each count"},
      {"--compare radial --sweep-dense-layers 3", "--dense-layers: expected"},
      {"--batch-size 0", "--batch-size: expected"},
      {"--stepz 3", "--stepz: expected an option that 'radial train-base evaluate' knows"},
      {"--output x.mp4", "--output: expected an option"},
      {"--model none", "--model: expected"},
      {"--out model/vae/config.json", "--out: expected a folder"},
  };
  for (const auto& [more, begins] : requests) {
    const CommandResult result = evaluate(more);
    EXPECT_EQ(result.exit_code, 2) << more;
    EXPECT_TRUE(result.err.starts_with(std::string("radial: ") + begins)) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "judged"));
}

}  // namespace
}  // namespace radial::test
