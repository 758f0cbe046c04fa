// Damaged files of weights, given to the finished command: an error of one line each, never a
// crash.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_runner.h"
#include "weight_files.h"

namespace radial::test {
namespace {

using nlohmann::json;

// `radial inspect` of files that are all damaged, several to a call: as parts of model folders.
std::vector<std::string> problems_of(const std::vector<std::string>& files) {
  std::vector<std::string> problems;
  const std::vector<std::string> parts{"transformer", "text_encoder", "vae"};
  for (std::size_t begin = 0; begin < files.size(); begin += parts.size()) {
    const TemporaryFolder folder;
    const std::size_t count = std::min(parts.size(), files.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      write_file(folder.path() / parts[i] / "model.safetensors", files[begin + i]);
    }
    write_file(folder.path() / "model_index.json", "{}");
    const CommandResult result = run_radial({"inspect", ".", "--json"}, folder.path());
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const json report = json::parse(result.out);
    EXPECT_EQ(report.at("complete"), false);
    for (std::size_t i = 0; i < count; ++i) {
      problems.push_back(report.at("parts").at(parts[i]).value("problem", ""));
      EXPECT_NE(problems.back(), "") << "file " << begin + i;
      EXPECT_EQ(std::ranges::count(problems.back(), '\n'), 0) << problems.back();
    }
  }
  return problems;
}

void expect_refusal(const std::string& command, const std::string& file) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a.safetensors", file);
  const CommandResult result = run_radial(words(command), folder.path());
  EXPECT_EQ(result.exit_code, 1) << command;
  // `inspect` may put what it found on the other stream.
  EXPECT_EQ(std::ranges::count(result.out + result.err, '\n'), 1) << result.out << result.err;
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.safetensors"});
}

const std::string kHeader = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";

TEST(DamagedWeights, EveryTruncationIsReported) {
  const std::string file = safetensors_of(kHeader, "12");
  std::vector<std::string> truncated;
  for (std::size_t size = 0; size < file.size(); ++size) truncated.push_back(file.substr(0, size));
  EXPECT_EQ(problems_of(truncated).size(), file.size());
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{8}, file.size() - 1}) {
    expect_refusal("convert a.safetensors b.safetensors", file.substr(0, size));
    expect_refusal("inspect a.safetensors", file.substr(0, size));
  }
}

TEST(DamagedWeights, HeadersThatPromiseTheImpossibleAreReported) {
  const auto length = [](char last, std::size_t bytes) {
    return std::string(7, '\xff') + last + std::string(bytes, '{');
  };
  const auto tensors = [](const std::string& entries, std::size_t data) {
    return safetensors_of("{" + entries + "}", std::string(data, '1'));
  };
  struct Case {
    std::string file, part;
  };
  const std::vector<Case> cases{
      {length('\xff', 100), "header of 18446744073709551615 bytes"},
      {length('\x7f', 0), "header of 9223372036854775807 bytes"},
      {std::string("\xff\xe0\xf5\x05\0\0\0\0", 8) + "{}", "cut off: header of 99999999 bytes"},
      {tensors(R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,18446744073709551615]})", 2),
       "data_offsets 0 to 18446744073709551615 in data of 2 bytes"},
      {tensors(R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,99999999999999999999]})", 2),
       "data_offsets"},
      {tensors(R"("a":{"dtype":"F64","shape":[9223372036854775807,9],"data_offsets":[0,2]})", 2),
       "more than 63 bits"},
      {tensors(R"("a":{"dtype":"U8","shape":[0,9223372036854775807,9],"data_offsets":[0,0]})", 0),
       "more than 63 bits"},
      {tensors(R"("a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,2]})", 2),
       "too large"},
      {tensors(R"("a":{"dtype":"U8","shape":[-1],"data_offsets":[0,2]})", 2), "at least 0"},
      {tensors(R"("a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]})", 2), "data_offsets 2 to 0"},
      {tensors(R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]})",
               3),
       "tensor b: overlaps the tensor before it"},
      {tensors(R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})",
               2),
       "overlaps the tensor before it"},
      {tensors(R"("a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]})", 3),
       "bytes before it belong to no tensor"},
      {safetensors_of(kHeader, "123"), "1 bytes at the end belong to no tensor"},
      {safetensors_of("{\"a\":" + std::string(100000, '['), ""), "nested too deeply"},
      {safetensors_of("{\"\x1b[31m\":1}", ""), "tensor"},
      {safetensors_of("{\"\xff\":1}", ""), "no valid JSON"},
      {safetensors_of("[]", ""), "object expected"},
  };
  std::vector<std::string> files;
  for (const Case& damaged : cases) files.push_back(damaged.file);
  const std::vector<std::string> problems = problems_of(files);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_NE(problems.at(i).find(cases[i].part), std::string::npos)
        << "expected: " << cases[i].part << "\ngot: " << problems[i];
    EXPECT_EQ(problems[i].find('\x1b'), std::string::npos) << "reaches the terminal";
  }
}

TEST(DamagedWeights, TruncatedPicklesAreReported) {
  const std::string file =
      read_file(RADIAL_SOURCE_DIR "/tests/unit/video_checkpoint/data/module.pt");
  for (std::size_t size = 0; size < file.size(); size += file.size() / 7) {
    const TemporaryFolder folder;
    write_file(folder.path() / "Wan2.1_VAE.pth", file.substr(0, size));
    write_file(folder.path() / "models_t5_umt5-xxl-enc-bf16.pth", file.substr(0, size + 1));
    const CommandResult result = run_radial({"inspect", ".", "--json"}, folder.path());
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const json parts = json::parse(result.out).at("parts");
    EXPECT_NE(parts.at("vae").value("problem", ""), "") << size;
    EXPECT_NE(parts.at("text_encoder").value("problem", ""), "") << size + 1;
  }
}

}  // namespace
}  // namespace radial::test
