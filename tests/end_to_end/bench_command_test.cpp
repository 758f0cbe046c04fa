#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command_runner.h"

namespace radial::test {
namespace {

TEST(BenchCommand, ChecksAndTimesBothDirections) {
  const TemporaryFolder folder;
  const CommandResult result = run_radial(
      words("bench attention --grid 3,8,8 --heads 2 --key-heads 1 --head-dim 64 --rounds "
            "2 --window-ms 1 --json --output report.json"),
      folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = nlohmann::json::parse(result.out);
  EXPECT_EQ(report, nlohmann::json::parse(read_file(folder.path() / "report.json")));
  EXPECT_EQ(report["key_heads"], 1);
  ASSERT_EQ(report["measurements"].size(), 2u);
  for (const auto& measurement : report["measurements"]) {
    EXPECT_GT(measurement["median_ms"], 0);
    EXPECT_GE(measurement["max_ms"], measurement["min_ms"]);
  }
  // bfloat16 keeps 8 bits, so rounding the result alone costs up to 2^-9 of it.
  for (const char* name : {"out", "dq", "dk", "dv"}) {
    EXPECT_LT(report["relative_error"][name], 0x1p-7) << name;
  }
}

TEST(BenchCommand, RefusesBadRequestsInOneLine) {
  const struct {
    const char *arguments, *says;
  } requests[] = {
      {"vae --grid 2,4,4", "bench: expected one of attention"},
      {"", "bench: expected one of attention"},
      {"attention --grid 2,4,4 --windows 3", "an option that 'radial bench attention' knows"},
      {"attention --grid 2,4,4 --device tpu", "--device: expected cpu, cuda or cuda:N, got 'tpu'"},
      {"attention --grid 2,4,4 --dtype int8", "dtype: expected"},
      {"attention --grid 2,4,4 --heads 0", "--heads: expected"},
      {"attention --grid 2,4,4 --heads 3 --key-heads 2", "heads that divide the 3 of q, got 2"},
      {"attention --grid 2,4,4 --implementation fast", "implementation: expected one of"},
  };
  for (const auto& [arguments, says] : requests) {
    const CommandResult result = run_radial(words(std::string("bench ") + arguments));
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_NE(result.err.find(says), std::string::npos) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace radial::test
