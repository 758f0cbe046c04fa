#include <gtest/gtest.h>

#include <algorithm>

#include "command_runner.h"

namespace radial::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(RadialCommand, VersionNamesItselfAndWhatThisMachineRuns) {
  const CommandResult result = run_radial({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out.starts_with("radial " RADIAL_VERSION "\n")) << result.out;
  EXPECT_TRUE(contains(result.out, "\n  reference ")) << result.out;
  EXPECT_EQ(result.err, "");
}

TEST(RadialCommand, HelpListsTheCommands) {
  for (const char* option : {"--help", "-h"}) {
    const CommandResult result = run_radial({option});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(contains(result.out, "\n  mask  ")) << result.out;
  }
}

TEST(RadialCommand, WithoutACommandSaysHowToUseIt) {
  const CommandResult result = run_radial({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(contains(result.err, "Usage: radial COMMAND")) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST(RadialCommand, UnknownCommandNamesTheNearest) {
  const CommandResult result = run_radial({"msk"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.err.starts_with("radial: command: expected ")) << result.err;
  EXPECT_TRUE(result.err.ends_with("got 'msk'; did you mean 'mask'?\n")) << result.err;
}

TEST(RadialCommand, HelpOfMaskShowsGroupsAliasesAndFitsTheScreen) {
  const CommandResult result = run_radial({"mask", "--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* part : {"How large the video is", "Which mask", "What to make", "--rule NAME",
                           "Same: --attention, --pattern, --attn-mode", "radial mask --rules"}) {
    EXPECT_TRUE(contains(result.out, part)) << part << " is not in\n" << result.out;
  }
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < result.out.size();) {
    const std::size_t end = std::min(result.out.find('\n', begin), result.out.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  EXPECT_LE(longest, 100u);
}

}  // namespace
}  // namespace radial::test
