// A run of `radial generate` that is stopped, and one that goes on from where it stopped.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "small_model.h"

namespace radial::test {
namespace {

constexpr int kInterrupted = 130;

class GenerateResume : public SmallModelTest {
 protected:
  // Stops a long run somewhere between its first and its last step.
  CommandResult stopped(const std::string& arguments, int signal) const {
    RunningCommand command(generate(arguments), folder_.path());
    EXPECT_TRUE(command.says("step "));
    command.send(signal);
    return command.wait();
  }
};

TEST_F(GenerateResume, ComesToTheSameVideoBitForBit) {
  const std::string run_of = "--steps 100 --attention radial --block-size 64";
  ASSERT_EQ(run(run_of + " --save-latents whole.safetensors --output whole.png").exit_code, 0);
  const std::string parts = run_of + " --resume --save-latents parts.safetensors";
  const CommandResult first = stopped(parts, SIGINT);
  EXPECT_EQ(first.exit_code, kInterrupted);
  EXPECT_NE(first.err.find("radial: interrupted; the same command with --resume goes on\n"),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "x.png.resume.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "x.png"));
  const CommandResult rest = run(parts);
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_LT(std::ranges::count(rest.err, '\n'), 50) << "it began at the first step";
  EXPECT_EQ(content("parts.safetensors"), content("whole.safetensors"));
  EXPECT_EQ(content("x.png"), content("whole.png"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "x.png.resume.safetensors"));
}

TEST_F(GenerateResume, GoesOnOnlyWithTheSameSettings) {
  ASSERT_EQ(stopped("--steps 100 --keep-every 1", SIGTERM).exit_code, kInterrupted);
  const CommandResult result = run("--steps 100 --resume --seed 1");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("radial: --resume: expected a state of the same settings, got "
                            "x.png.resume.safetensors with seed 0, not 1\n"),
            std::string::npos)
      << result.err;
}

TEST_F(GenerateResume, RefusesAStateThatIsNone) {
  std::filesystem::copy(weights("vae"), folder_.path() / "x.png.resume.safetensors");
  const CommandResult result = run("--resume --quiet");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "radial: --resume: x.png.resume.safetensors: no state of a run\n");
}

TEST_F(GenerateResume, AStoppedRunLeavesNothingHalfDone) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const CommandResult result =
        stopped("--steps 100 --save-latents l.safetensors --save-frames f.safetensors", signal);
    EXPECT_EQ(result.exit_code, kInterrupted);
    EXPECT_TRUE(result.err.ends_with("radial: interrupted\n")) << result.err;
    EXPECT_TRUE(written().empty());
  }
}

}  // namespace
}  // namespace radial::test
