// `radial train-base evaluate`: clips of held-out prompts are made, judged, compared and kept.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "small_model.h"

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
  const std::string first = content("judged/evaluation.json");
  const auto report = nlohmann::json::parse(first);
  ASSERT_EQ(report["clips"].size(), 2u);
  EXPECT_EQ(report["clips"][1]["seed"], 6);
  // Random weights show nothing: the judge must not find what was asked for.
  EXPECT_EQ(report["shares"]["shape"], 0);
  EXPECT_EQ(report["shares"]["all"], 0);
  EXPECT_EQ(report["clips"][0]["judged"]["number"]["right"], false);
  EXPECT_FALSE(report.contains("compared"));
  EXPECT_NE(result.out.find("clips        0.0 %"), std::string::npos) << result.out;
  EXPECT_TRUE(content("judged/sheet.png").starts_with("\x89PNG"));

  // One clip is missing: that one alone is made again, and is the same.
  const fs::path kept = in_judged("clips/clip_0001.safetensors");
  const std::string lost = "judged/clips/clip_0002.safetensors";
  const auto made = fs::last_write_time(kept);
  const std::string bytes = content(lost);
  fs::remove(folder_.path() / lost);
  const CommandResult again = evaluate("--seed 5");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.err, "clips: clip 2 of 2\n");
  EXPECT_EQ(fs::last_write_time(kept), made);
  EXPECT_EQ(content(lost), bytes);
  EXPECT_EQ(content("judged/evaluation.json"), first);

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
      "--save-frames alone.safetensors --output alone.png --quiet --prompt");
  arguments.emplace_back("a blue cube spins");
  const CommandResult alone = run_radial(arguments, folder_.path());
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(content("judged/clips/clip_0002.safetensors"), content("alone.safetensors"));
}

TEST_F(TrainBaseEvaluate, ComparesARuleWithDense) {
  const CommandResult result = evaluate("--compare window --window-width 100 --quiet");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  const auto report = nlohmann::json::parse(content("judged/evaluation.json"));
  EXPECT_EQ(report["compared"]["shares"]["all"], 0);
  EXPECT_EQ(report["clips"][0]["judged_compared"]["all"], false);
  // Other clips, but of the same noise.
  EXPECT_LT(report["compared"]["ssim"], 1.0);
  EXPECT_GT(report["compared"]["ssim"], 0.2);
  EXPECT_GT(report["compared"]["psnr"], 10.0);
  const double mean =
      (report["clips"][0]["psnr"].get<double>() + report["clips"][1]["psnr"].get<double>()) / 2;
  EXPECT_NEAR(report["compared"]["psnr"].get<double>(), mean, 1e-9);
  EXPECT_NE(content("judged/dense/clip_0001.safetensors"),
            content("judged/compared/clip_0001.safetensors"));
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
