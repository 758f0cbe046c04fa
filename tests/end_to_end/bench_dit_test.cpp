#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "command_runner.h"

namespace radial::test {
namespace {

constexpr const char* kTiny =
    "bench dit --grid 12,8,16 --block-size 64 --rule released-v2 --decay-factor 0.2 --layers 4 "
    "--heads 2 --head-dim "
    "48 --ffn-dim 128 --text-dim 64 --rounds 2 ";

TEST(BenchDit, TimesATransformerDenseAndUnderAMask) {
  const TemporaryFolder folder;
  const CommandResult result =
      run_radial(words(std::string(kTiny) + "--json --output report.json"), folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = nlohmann::json::parse(result.out);
  EXPECT_EQ(report, nlohmann::json::parse(read_file(folder.path() / "report.json")));
  EXPECT_EQ(report["tokens"], 1536);
  EXPECT_LT(report["density"], 1);
  ASSERT_EQ(report["forwards"].size(), 3u);
  double masked = 0, dense = 1e9;
  for (const auto& forward : report["forwards"]) {
    const double total = forward["total_ms"];
    for (const char* part : {"self_attention_ms", "cross_attention_ms", "products_ms", "rest_ms"}) {
      EXPECT_GT(forward[part], 0) << part;
      EXPECT_LT(forward[part], total) << part;
    }
    EXPECT_EQ(forward["passes_ms"].size(), 2u);
    (forward["attention"] == "masked" ? masked : dense) =
        forward["attention"] == "masked" ? total : std::min(dense, total);
  }
  EXPECT_NEAR(report["speedup"].get<double>(), dense / masked, 1e-9);
}

TEST(BenchDit, ScalesUpFromFewBlocksAndSaysSo) {
  const CommandResult text =
      run_radial(words(std::string(kTiny) + "--blocks 1 --variants masked --dtype float32"));
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("scaled up from 1 of 4 blocks"), std::string::npos) << text.out;
  const CommandResult result =
      run_radial(words(std::string(kTiny) + "--blocks 2 --variants masked --json"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = nlohmann::json::parse(result.out);
  EXPECT_EQ(report["blocks_timed"], 2);
  ASSERT_EQ(report["forwards"].size(), 1u);
  EXPECT_FALSE(report.contains("speedup"));
  const auto& forward = report["forwards"][0];
  for (const char* part : {"total_ms", "products_ms"}) {
    const double timed = forward["measured"][part], outside = forward["outside_blocks"][part];
    EXPECT_NEAR(forward[part].get<double>(), outside + 2 * (timed - outside), 1e-6) << part;
  }
}

TEST(BenchDit, TimesATrainingStep) {
  for (const std::string keep : {"1", "3"}) {
    const CommandResult result = run_radial(words(
        std::string(kTiny) +
        "--training-step --low-rank 4 --variants dense,masked --json --recompute-every " + keep));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto report = nlohmann::json::parse(result.out);
    EXPECT_EQ(report["low_rank"], 4);
    EXPECT_EQ(report["recompute_every"], std::stoi(keep));
    EXPECT_FALSE(report.contains("forwards"));
    ASSERT_EQ(report["steps"].size(), 2u);
    for (const auto& step : report["steps"]) {
      EXPECT_GT(step["forward_ms"], 0);
      EXPECT_GT(step["backward_ms"], 0);
      EXPECT_NEAR(step["total_ms"].get<double>(),
                  step["forward_ms"].get<double>() + step["backward_ms"].get<double>(), 1e-6);
    }
  }
}

TEST(BenchDit, RefusesBadRequestsInOneLine) {
  const struct {
    const char *arguments, *says;
  } requests[] = {
      {"--blocks 5", "--blocks: expected 1 to 4, got '5'"},
      {"--variants sparse", "--variants: expected dense, all-blocks and masked"},
      {"--device cuda:x", "--device: expected"},
      {"--transformer wan3", "--transformer: expected wan2.1-14b or wan2.1-1.3b, got 'wan3'"},
      {"--cuda-graph", "--cuda-graph: expected --device cuda, got 'cpu'"},
      {"--training-step --low-rank 0", "--low-rank: expected"},
      {"--text-tokens 5", "layout: expected video tokens alone"},
  };
  for (const auto& [arguments, says] : requests) {
    const CommandResult result = run_radial(words(std::string(kTiny) + arguments));
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_NE(result.err.find(says), std::string::npos) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace radial::test
