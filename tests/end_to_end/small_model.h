#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "command_runner.h"

namespace radial::test {

/// Writes a Wan model of a few thousand random weights into `folder`, in the diffusers layout: its
/// latents are 2 x 2 pixels and, but for the first, 2 frames wide. The text encoder and the
/// tokenizer are those of tests/parity/data/umt5_small.
void write_small_model(const std::filesystem::path& folder);

/// The same with parts of some 60 MB each: text encoder, transformer and VAE.
void write_large_model(const std::filesystem::path& folder);

/// Tests of the command on the small model, which lies in `model` beside what a test writes.
class SmallModelTest : public testing::Test {
 protected:
  SmallModelTest();

  /// `radial generate --model model` with the words of `arguments`: 32 x 32 pixels, 13 frames, 4
  /// steps, prompt "a fox", output x.png, unless they say otherwise.
  std::vector<std::string> generate(const std::string& arguments) const;
  CommandResult run(const std::string& arguments) const;
  std::string content(const std::string& name) const { return read_file(folder_.path() / name); }
  std::filesystem::path weights(const std::string& part) const;
  /// Of the folder, but for the model.
  std::vector<std::string> written() const;

  TemporaryFolder folder_;
};

}  // namespace radial::test
