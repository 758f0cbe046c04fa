// Bad requests to `radial mask`: one line that names the argument, exit code 2, nothing written.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "command_runner.h"

namespace radial::test {
namespace {

struct BadRequest {
  const char* arguments;
  const char* begins;    ///< what the line starts with, after "radial: "
  const char* contains;  ///< and what else it says
};

void PrintTo(const BadRequest& request, std::ostream* out) { *out << request.arguments; }

class BadRequests : public testing::TestWithParam<BadRequest> {};

TEST_P(BadRequests, GetOneLineAndExitCodeTwo) {
  const BadRequest& request = GetParam();
  const TemporaryFolder folder;
  auto arguments = words(std::string("mask --dump out.txt ") + request.arguments);
  const CommandResult result = run_radial(arguments, folder.path());
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.err.starts_with(std::string("radial: ") + request.begins)) << result.err;
  EXPECT_NE(result.err.find(request.contains), std::string::npos) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(folder.names().empty());
}

constexpr BadRequest kLayouts[] = {
    {"", "--grid or --model: expected one of them", "got neither"},
    {"--grid 2,4,4 --model wan2.1", "--grid or --model: expected one of them", "got both"},
    {"--grid 21,0,80", "--grid: expected F,H,W", "got '21,0,80'"},
    {"--grid 21,45", "--grid: expected F,H,W", "got '21,45'"},
    {"--grid 21,45,80,2", "--grid: expected F,H,W", "got '21,45,80,2'"},
    {"--grid 21,-45,80", "--grid: expected F,H,W", "got '21,-45,80'"},
    {"--grid -1,45,80", "--grid: expected F,H,W", "got '-1,45,80'"},
    {"--grid 21,45,80x", "--grid: expected F,H,W", "got '21,45,80x'"},
    {"--grid 21,,80", "--grid: expected F,H,W", "got '21,,80'"},
    {"--grid", "--grid: expected a value", "got nothing"},
    {"--grid 100000,100000,100000", "--grid: expected at most 2^31 - 1 tokens", "100000"},
    {"--grid 20000,1000,100", "--grid: expected at most 16777216 tokens", "got 2000000000"},
    {"--model wan2.1 --num-frames 65533", "--model: expected at most 16777216 tokens", "got"},
    {"--grid 99999999999,1,1", "--grid: expected F,H,W", "got '99999999999,1,1'"},
    {"--grid 2,4,4 --text-tokens -1", "--text-tokens: expected", "got '-1'"},
    {"--grid 2,4,4 --text-tokens 2147483647", "--grid: expected at most 2^31 - 1 tokens", "global"},
    {"--grid 2,4,4 --token-order snake", "--token-order: expected raster", "got 'snake'"},
    {"--grid 2,4,4 --token-order tiled:0x4", "--token-order: expected tiled:HxW", "got '0x4'"},
    {"--grid 2,4,4 --num-frames 81", "--num-frames: expected together with --model", "--grid"},
    {"--model wan3", "--model: expected one of wan2.1", "got 'wan3'"},
    {"--model wan2.1 --num-frames 80", "--num-frames: expected 4k+1", "nearest 77 or 81, got '80'"},
    {"--model mochi --num-frames 162", "--num-frames: expected 6k+1",
     "nearest 157 or 163, got '162'"},
    {"--model wan2.1 --num-frames 0", "--num-frames: expected", "got '0'"},
    {"--model wan2.1 --width 1270", "--width: expected a multiple of 16", "nearest 1264 or 1280"},
    {"--model wan2.2-5b --height 720", "--height: expected a multiple of 32", "nearest 704 or 736"},
    {"--model wan2.1 --height 9", "--height: expected a multiple of 16", "nearest 16, got '9'"},
    {"--model wan2.1 --video-size 720", "--video-size: expected a value", "got nothing"},
    {"--model wan2.1 --video-size 4 5 6", "--video-size: expected", "got"},
    {"--model wan2.1 --size 1280", "--size: expected WxH", "got '1280'"},
};

constexpr BadRequest kRules[] = {
    {"--grid 2,4,4 --rule spiral", "--rule: expected one of radial, ", "got 'spiral'"},
    {"--grid 2,4,4 --rule harmonc", "--rule: expected one of ", "did you mean 'harmonic'?"},
    {"--grid 2,4,4 --decay-factor -1", "--decay-factor: expected a number above 0", "got '-1'"},
    {"--grid 2,4,4 --decay-factor 0", "--decay-factor: expected a number above 0", "got '0'"},
    {"--grid 2,4,4 --decay-factor nan", "--decay-factor: expected a number above 0", "got 'nan'"},
    {"--grid 2,4,4 --decay-factor 1e999", "--decay-factor: expected", "got '1e999'"},
    {"--grid 2,4,4 --rule dense --decay-factor 1", "--decay-factor: ", "rule dense"},
    {"--grid 2,4,4 --decay-factor 1 --density 0.5", "--density and --decay-factor: ", "got both"},
    {"--grid 2,4,4 --density 0", "--density: expected a number above 0, at most 1", "got '0'"},
    {"--grid 21,30,52 --density 0.001", "--density: expected 0.", "got 0.001"},
    {"--grid 2,4,4 --rule paper --density 0.5", "", "paper"},
    {"--grid 2,4,4 --block-size 100", "--block-size: expected 64 or 128", "got '100'"},
    {"--grid 2,4,4 --sink --no-sink", "--sink and --no-sink: expected one", "got both"},
    {"--grid 2,4,4 --sink-frames 3", "--sink-frames: expected 1 to 2", "got 3"},
    {"--grid 2,4,4 --sink=maybe", "--sink: expected no value", "got one"},
    {"--grid 2,4,4 --distance-one most", "--distance-one: expected rule, whole", "got 'most'"},
    {"--grid 2,4,4 --thinning-threshold 0", "--thinning-threshold: expected", "got '0'"},
    {"--grid 2,4,4 --span 1", "--span: ", "rule radial"},
    {"--grid 2,4,4 --window-width 1", "--window-width: ", "rule radial"},
    {"--grid 2,4,4 --rule sliding-tile --window 9,1,1", "--window: expected", "got 9"},
};

constexpr BadRequest kOutputs[] = {
    {"--grid 2,4,4 --png no/such/folder/a.png", "--png: expected a path that can be written",
     "got 'no/such/folder/a.png'"},
    {"--grid 2,4,4 --save .", "--save: expected the path of a file", "got '.'"},
    {"--grid 2,4,4 --save /dev/null", "--save: expected the path of a file", "got '/dev/null'"},
    {"--grid 2,4,4 --query-block 1", "--query-block: expected one of the mask's 1 rows", "got '1'"},
    {"--girdd 2,4,4", "--girdd: expected an option", "did you mean '--grid'?"},
    {"--grid 2,4,4 --decay 1", "--decay: expected an option", "did you mean '--decay-factor'?"},
    {"--grid 2,4,4 --blocksize=64", "--blocksize: expected an option",
     "did you mean '--block-size'?"},
    {"--grid 2,4,4 --zzzzzzzz", "--zzzzzzzz: expected an option", "see 'radial mask --help'"},
    {"--grid 2,4,4 5", "argument '5': expected an option", "start with --"},
};

INSTANTIATE_TEST_SUITE_P(Layout, BadRequests, testing::ValuesIn(kLayouts));
INSTANTIATE_TEST_SUITE_P(Rule, BadRequests, testing::ValuesIn(kRules));
INSTANTIATE_TEST_SUITE_P(Output, BadRequests, testing::ValuesIn(kOutputs));

TEST(MaskErrors, LeaveAnOlderFileAsItWas) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "old.txt") << "kept";
  const auto arguments = words("mask --grid 21,30,52 --dump old.txt --density 0.001");
  EXPECT_EQ(run_radial(arguments, folder.path()).exit_code, 2);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"old.txt"});
  EXPECT_EQ(read_file(folder.path() / "old.txt"), "kept");
}

TEST(MaskErrors, AMessageStaysOneShortLineWhateverIsGiven) {
  const CommandResult result =
      run_radial({"mask", "--grid", "2,4,4", "--rule", "a\nb" + std::string(5000, 'x')});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1);
  EXPECT_LT(result.err.size(), 400u);
}

}  // namespace
}  // namespace radial::test
