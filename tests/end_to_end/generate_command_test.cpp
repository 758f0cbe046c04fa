// `radial generate` on a small model: what it is told, what it says and what it writes.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "small_model.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

class GenerateCommand : public SmallModelTest {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
  }
  /// Runs what must succeed with --json and gives what that printed.
  Json report_of(const std::string& arguments) const {
    const CommandResult result = run("--json " + arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? Json::parse(result.out) : Json::object();
  }
  void expect_refused(const std::string& arguments, const std::string& line) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(result.err.starts_with("radial: " + line)) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
};

TEST_F(GenerateCommand, SaysWhatItDoesAndWritesTheVideo) {
  const CommandResult result =
      run("--attention radial --block-size 64 --dense-layers 1 --dense-timesteps 0-1 "
          "--last-dense-timesteps 1");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"32 x 32, 13 frames at 16 fps", "unipc, 4 steps, shift 3, guidance 5",
                           "density 0.776", "layers 0, steps 0-1, 3", "of the self-attention",
                           "less than", "time ", "memory     peak", "wrote      x.png"}) {
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " is not in\n" << result.out;
  }
  EXPECT_NE(result.err.find("step 4 of 4, "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("0 s left"), std::string::npos) << result.err;
  EXPECT_EQ(written(), std::vector<std::string>{"x.png"});
}

TEST_F(GenerateCommand, QuietPrintsNothing) {
  const CommandResult result = run("--quiet");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out + result.err, "");
  EXPECT_EQ(written(), std::vector<std::string>{"x.png"});
}

TEST_F(GenerateCommand, JsonHasSettingsPlanTimesAndMemory) {
  const Json report = report_of("--attention radial --block-size 64 --dense-layers 1 --seed 5");
  EXPECT_EQ(report["settings"]["seed"], 5);
  EXPECT_EQ(report["settings"]["prompt"], "a fox");
  const Json& plan = report["plan"];
  EXPECT_EQ(plan["tokens"], 7 * 8 * 8);
  const double density = plan["density"].get<double>();
  EXPECT_DOUBLE_EQ(density, 38.0 / 49);
  EXPECT_DOUBLE_EQ(plan["saving_in_attention"].get<double>(), (1 - density) / 2);
  // 4 steps of 2 passes; self-attention is 4 n^2 E a layer, the rest 2 n (6 E^2 + 2 L E + 2 E F).
  const double tokens = 448, width = 16, text = 160, hidden = 32, layers = 2;
  const double attention = layers * 4 * tokens * tokens * width;
  const double rest = layers * 2 * tokens * width * (6 * width + 2 * text + 2 * hidden);
  EXPECT_NEAR(plan["dense_tflop"].get<double>() * 1e12, 8 * (attention + rest), 1);
  EXPECT_NEAR(plan["saving_in_run"].get<double>(),
              plan["saving_in_attention"].get<double>() * attention / (attention + rest), 1e-12);
  EXPECT_GT(report["peak_bytes"]["host"].get<double>(), 1e6);
  EXPECT_GT(report["seconds"]["denoising"].get<double>(), 0);
  EXPECT_EQ(report["outputs"], Json::array({"x.png"}));
}

TEST_F(GenerateCommand, DryRunWritesNothing) {
  const Json report = report_of("--dry-run");
  EXPECT_EQ(report["plan"]["mask"], "dense");
  EXPECT_EQ(report["plan"]["density"], 1);
  EXPECT_EQ(report["outputs"], Json::array());
  EXPECT_FALSE(report.contains("seconds"));
  EXPECT_TRUE(written().empty());
}

TEST_F(GenerateCommand, PresetsAreRulesWithTheirDensePlaces) {
  struct Preset {
    const char* arguments;
    const char* decay;
    const char *layers, *steps;
  };
  const Preset presets[] = {
      {"--preset paper", "decay 0.2,", "0", "0-1"},
      {"--preset long", "decay 1,", "0-1", "0-1"},
      {"--preset fast", "decay 0.2,", "0", "0"},
      {"--preset fast --dense-layers 1-1 --decay-factor 0.5", "decay 0.5,", "1", "0"},
  };
  for (const Preset& preset : presets) {
    SCOPED_TRACE(preset.arguments);
    const Json plan =
        report_of(std::string("--dry-run --steps 8 --block-size 64 ") + preset.arguments)["plan"];
    const std::string mask = plan["mask"];
    EXPECT_NE(mask.find("radial"), std::string::npos) << mask;
    EXPECT_NE(mask.find(preset.decay), std::string::npos) << mask;
    EXPECT_EQ(plan["dense_layers"], preset.layers);
    EXPECT_EQ(plan["dense_steps"], preset.steps);
  }
  expect_refused("--preset slow", "--preset: expected paper, long or fast, got 'slow'");
}

TEST_F(GenerateCommand, KnowsOtherProgramsNamesOfItsOptions) {
  const Json settings = report_of(
      "--dry-run --sample_steps 3 --sample_guide_scale 2.5 --sample_shift 4 --base_seed 9 "
      "--frame_num 9 --sample_solver euler")["settings"];
  EXPECT_EQ(settings["steps"], 3);
  EXPECT_EQ(settings["cfg-scale"], 2.5);
  EXPECT_EQ(settings["flow-shift"], 4);
  EXPECT_EQ(settings["seed"], 9);
  EXPECT_EQ(settings["sampling-method"], "euler");
}

TEST_F(GenerateCommand, ConfigGivesOptionsAndTheCommandLineWins) {
  write("c.json", R"({"steps": 5, "seed": 3, "cfg_scale": 1.5, "attention": "radial",
                      "block-size": 64, "width": 64, "quiet": false, "lora": []})");
  const Json report = report_of("--dry-run --config c.json --seed 4");
  EXPECT_EQ(report["settings"]["steps"], 5);
  EXPECT_EQ(report["settings"]["seed"], 4);
  EXPECT_EQ(report["settings"]["cfg-scale"], 1.5);
  EXPECT_EQ(report["settings"]["width"], 32);  // --size says so
  EXPECT_LT(report["plan"]["density"].get<double>(), 1);
}

TEST_F(GenerateCommand, ConfigWithMistakesIsRefused) {
  const char* const mistakes[][2] = {
      {R"({"stepps": 5})",
       "stepps: expected the name of an option of 'radial generate'; did you "
       "mean 'steps'?"},
      {R"({"steps": 0})", "--steps: expected a whole number from 1 to 1000"},
      {R"({"steps": [1, 2]})", "steps: expected a text or a number, got [1,2]"},
      {R"({"dry-run": 1})", "dry-run: expected true or false, got 1"},
      {R"({"steps": 5)", ""},
      {R"([1])", ""},
  };
  for (const auto& [text, message] : mistakes) {
    write("c.json", text);
    expect_refused("--config c.json", std::string("--config: c.json: ") + message);
  }
  expect_refused("--config none.json", "--config: expected a file of JSON that exists");
}

TEST_F(GenerateCommand, AFileOfPromptsGivesTheVideosOfEachPrompt) {
  write("p.txt", "# two\n\n  a fox  \r\na green ball rolls\n");
  ASSERT_EQ(run("--prompts-file p.txt --save-latents all.safetensors --seed 2").exit_code, 0);
  EXPECT_EQ(written(), (std::vector<std::string>{"all_0001.safetensors", "all_0002.safetensors",
                                                 "p.txt", "x_0001.png", "x_0002.png"}));
  ASSERT_EQ(run("--save-latents one.safetensors --seed 2").exit_code, 0);
  EXPECT_EQ(content("one.safetensors"), content("all_0001.safetensors"));
  EXPECT_NE(content("one.safetensors"), content("all_0002.safetensors"));
  expect_refused("--prompt fox --prompts-file p.txt", "--prompt");
  write("p.txt", "# none\n");
  expect_refused("--prompts-file p.txt", "--prompts-file: expected a file with a prompt on a line");
}

TEST_F(GenerateCommand, SizesThatDoNotFitNameTheNearest) {
  expect_refused("--size 33x32", "--width: expected a multiple of 4, nearest 32 or 36, got 33");
  expect_refused("--size 32x7", "--height: expected a multiple of 4, nearest 4 or 8, got 7");
  expect_refused("--num-frames 6", "--num-frames: expected 2k+1, nearest 5 or 7, got 6");
  expect_refused("--size 32", "--size: expected WxH");
  expect_refused("--size 32x32 --width 32", "--");
  EXPECT_TRUE(written().empty());
}

TEST_F(GenerateCommand, ALongPromptIsCutAndSaysSo) {
  std::vector<std::string> arguments = generate("--dry-run");
  std::string prompt;
  while (prompt.size() < 100'000) prompt += "a red fox runs ";
  std::ranges::replace(arguments, std::string("a fox"), prompt);
  const CommandResult result = run_radial(arguments, folder_.path());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "radial: note: prompt 1 is cut to the 160 tokens that the model takes\n");
}

// With Euler's method the clean latents of the last step are the result.
TEST_F(GenerateCommand, APreviewShowsTheFirstFrame) {
  const std::string run_of = "--sampling-method euler --preview p.png ";
  ASSERT_EQ(run(run_of + "--preview-interval 3").exit_code, 0);
  const std::string earlier = content("p.png");
  EXPECT_EQ(earlier.substr(1, 3), "PNG");
  EXPECT_NE(earlier, content("x.png"));
  ASSERT_EQ(run(run_of + "--preview-interval 2").exit_code, 0);
  EXPECT_EQ(content("p.png"), content("x.png"));
  EXPECT_EQ(written(), (std::vector<std::string>{"p.png", "x.png"}));
  expect_refused("--preview p.mp4", "--preview: expected FILE.png, got 'p.mp4'");
  expect_refused("--preview none/p.png", "--preview: expected a file in a folder that exists");
}

TEST_F(GenerateCommand, AModelMayBeNamedByItsTransformersFile) {
  ASSERT_EQ(run("--save-latents a.safetensors").exit_code, 0);
  ASSERT_EQ(run("--save-latents b.safetensors --model "
                "model/transformer/diffusion_pytorch_model.safetensors")
                .exit_code,
            0);
  EXPECT_EQ(content("a.safetensors"), content("b.safetensors"));
}

}  // namespace
}  // namespace radial::test
