// `--offload-to-cpu`, `--blocks-to-swap`, `--max-vram`: what they refuse, and the same video with
// and without them.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "parity/attention/torch_cuda.h"
#include "small_model.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

class GenerateOffload : public SmallModelTest {};

TEST_F(GenerateOffload, ChangesNothingOnTheCpuAndSaysSo) {
  ASSERT_EQ(run("--save-latents plain.safetensors").exit_code, 0);
  for (const char* option : {"--offload-to-cpu", "--blocks-to-swap 1", "--max-vram 4"}) {
    SCOPED_TRACE(option);
    const CommandResult result = run(std::string("--save-latents swapped.safetensors ") + option);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const std::string name = std::string(option).substr(0, std::string(option).find(' '));
    EXPECT_EQ(
        result.err.find("radial: note: " + name + " changes nothing: all parts run on the CPU\n"),
        0u)
        << result.err;
    EXPECT_EQ(read_file(folder_.path() / "swapped.safetensors"),
              read_file(folder_.path() / "plain.safetensors"));
  }
}

TEST_F(GenerateOffload, HasTheNamesThatOtherProgramsHave) {
  for (const char* option : {"--offload_model", "--use-cpu-offload", "--use_model_offload"}) {
    const CommandResult result = run(std::string("--dry-run ") + option);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.err.find("--offload-to-cpu changes nothing"), std::string::npos) << result.err;
  }
}

TEST_F(GenerateOffload, RefusesBadValuesInOneLine) {
  const std::pair<const char*, const char*> requests[] = {
      {"--blocks-to-swap -1", "radial: --blocks-to-swap: expected a whole number from 0 to 65536"},
      {"--blocks-to-swap half", "radial: --blocks-to-swap: expected a whole number"},
      {"--max-vram 0", "radial: --max-vram: expected a number above 0"},
      {"--max-vram 8GB", "radial: --max-vram: expected a number above 0"},
      {"--offload-to-cpu --blocks-to-swap 1", "radial: "},
  };
  for (const auto& [arguments, begins] : requests) {
    SCOPED_TRACE(arguments);
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(result.err.starts_with(begins)) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_TRUE(written().empty());
  }
}

TEST_F(GenerateOffload, MakesTheSameVideoOnAGpu) {
  RADIAL_NEEDS_CUDA();
  const std::string gpu = "--device cuda --json --save-latents ";
  ASSERT_EQ(run(gpu + "plain.safetensors").exit_code, 0);
  for (const char* option : {"--offload-to-cpu", "--blocks-to-swap 1", "--max-vram 0.5"}) {
    SCOPED_TRACE(option);
    const CommandResult result = run(gpu + "swapped.safetensors " + option);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    if (option != std::string("--max-vram 0.5")) {
      EXPECT_EQ(Json::parse(result.out)["settings"]["blocks-to-swap"], 1);
    }
    EXPECT_EQ(read_file(folder_.path() / "swapped.safetensors"),
              read_file(folder_.path() / "plain.safetensors"));
  }
}

TEST_F(GenerateOffload, SaysOnAGpuWhatWouldHelp) {
  RADIAL_NEEDS_CUDA();
  const CommandResult blocks = run("--device cuda --dry-run --blocks-to-swap 9");
  EXPECT_EQ(blocks.exit_code, 2);
  EXPECT_TRUE(
      blocks.err.starts_with("radial: --blocks-to-swap: expected at most 1 of the model's 2"))
      << blocks.err;
  const CommandResult memory = run("--device cuda --dry-run --size 4096x4096 --num-frames 2047");
  EXPECT_EQ(memory.exit_code, 2);
  EXPECT_NE(memory.err.find("; --offload-to-cpu, "), std::string::npos) << memory.err;
  const CommandResult limit = run("--device cuda --dry-run --max-vram 0.001");
  EXPECT_EQ(limit.exit_code, 2);
  EXPECT_NE(limit.err.find(" to be free, got 1.1 MB"), std::string::npos) << limit.err;
}

}  // namespace
}  // namespace radial::test
