// `radial world`: clips, captions and a contact sheet; the same every time.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "command_runner.h"

namespace radial::test {
namespace {

constexpr const char* kSmall = "world --seed 1 --count 2 --width 64 --height 48 --num-frames 5";

std::string printed_by(const std::string& arguments, const TemporaryFolder& folder) {
  const CommandResult result = run_radial(words(arguments), folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

// The size in a PNG's header, "WIDTHxHEIGHT".
std::string png_size(const std::string& bytes) {
  const auto number = [&bytes](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
    }
    return std::to_string(value);
  };
  return number(16) + "x" + number(20);
}

TEST(WorldCommand, WritesClipsAndASheetAndSaysWhatTheyShow) {
  const TemporaryFolder folder;
  const std::string printed = printed_by(std::string(kSmall) + " --output clips", folder);
  EXPECT_EQ(std::ranges::count(printed, '\n'), 3) << printed;
  for (const char* name : {"clip_00000", "clip_00001"}) {
    const std::size_t at = printed.find(name);
    ASSERT_NE(at, std::string::npos) << printed;
    const std::string file = printed.substr(at, printed.find(' ', at) - at);
    EXPECT_GT(read_file(folder.path() / "clips" / file).size(), 500u) << file;
  }
  EXPECT_EQ(png_size(read_file(folder.path() / "clips" / "sheet.png")), "256x96");
}

TEST(WorldCommand, DrawsTheSameAgainAndOtherScenesFromAnotherSeed) {
  const TemporaryFolder folder;
  const std::string one = printed_by(std::string(kSmall) + " --output one", folder);
  const std::string two = printed_by(std::string(kSmall) + " --output two", folder);
  const std::string other = printed_by(std::string(kSmall) + " --seed 2 --output other", folder);
  const auto sheet = [&folder](const char* name) {
    return read_file(folder.path() / name / "sheet.png");
  };
  EXPECT_EQ(one, two);
  EXPECT_EQ(sheet("one"), sheet("two"));
  EXPECT_NE(sheet("one"), sheet("other"));
}

TEST(WorldCommand, BeginsWhereItIsTold) {
  const TemporaryFolder folder;
  const std::string both = printed_by(std::string(kSmall) + " --output both", folder);
  const std::string second =
      printed_by(std::string(kSmall) + " --first 1 --count 1 --output second", folder);
  const std::string line = second.substr(0, second.find('\n') + 1);
  EXPECT_TRUE(line.starts_with("clip_00001")) << line;
  EXPECT_NE(both.find(line), std::string::npos) << both << line;
}

TEST(WorldCommand, ListsHeldOutPrompts) {
  const TemporaryFolder folder;
  const std::string three = printed_by("world --list-prompts 3", folder);
  EXPECT_EQ(std::ranges::count(three, '\n'), 3) << three;
  EXPECT_TRUE(printed_by("world --list-prompts 5", folder).starts_with(three));
  EXPECT_TRUE(folder.names().empty());
}

TEST(WorldCommand, JudgesClipsWithoutWritingThem) {
  const TemporaryFolder folder;
  const std::string printed = printed_by("world --judge --seed 1 --count 1", folder);
  for (const char* line :
       {"1 clips  right", "shape    100.0 %  100.0 %", "camera   100.0 %", "all      100.0 %"}) {
    EXPECT_NE(printed.find(line), std::string::npos) << line << " is not in " << printed;
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST(WorldCommand, RefusesBadValuesInOneLine) {
  const std::pair<const char*, const char*> requests[] = {
      {"world", "--output: expected a folder"},
      {"world --output none/clips", "--output: expected a folder, or a new one"},
      {"world --output clips --width 7", "--width: expected a whole number from 16"},
      {"world --output clips --width 65", "--width: expected an even number"},
      {"world --output clips --height 65", "--height: expected an even number"},
      {"world --output clips --num-frames 0", "--num-frames: expected a whole number from 1"},
      {"world --output clips --count 0", "--count: expected a whole number from 1"},
      {"world --output clips --seed -1", "--seed: expected a whole number from 0"},
      {"world --output clips --fps 0", "--fps: expected a whole number from 1"},
      {"world --output clips --device tpu", "--device: expected"},
      {"world --list-prompts 501", "--list-prompts: expected a whole number from 1 to 500"},
      {"world --judge --width 60", "--width: expected a multiple of 8, 64 or more"},
      {"world --judge --num-frames 13", "--num-frames: expected at least 25 to be judged"},
      {"world --judge --held-out --count 501", "--count: expected at most 500 with --held-out"},
  };
  for (const auto& [arguments, begins] : requests) {
    SCOPED_TRACE(arguments);
    const TemporaryFolder folder;
    const CommandResult result = run_radial(words(arguments), folder.path());
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(result.err.starts_with(std::string("radial: ") + begins)) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_TRUE(folder.names().empty());
  }
}

}  // namespace
}  // namespace radial::test
