// The command reference shows what the command prints: every `$ radial ...` in it is run again.

#include <gtest/gtest.h>

#include <sstream>

#include "command_runner.h"

namespace radial::test {
namespace {

struct Example {
  std::string command;  ///< after "$ radial "
  std::string printed;
};

// Examples of the code blocks in a Markdown file. Commands that send their output elsewhere are
// left out: what stands below them is another program's.
std::vector<Example> examples_in(const std::filesystem::path& path) {
  const std::string prompt = "$ ", radial = "$ radial ";
  std::vector<Example> examples;
  std::istringstream text(read_file(path));
  bool in_code = false, in_example = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) {
      in_code = !in_code;
      in_example = false;
    } else if (in_code && line.starts_with(prompt)) {
      in_example = line.starts_with(radial) && line.find('>') == std::string::npos;
      if (in_example) examples.push_back({line.substr(radial.size()), {}});
    } else if (in_example) {
      examples.back().printed += line + '\n';
    }
  }
  return examples;
}

TEST(CommandReference, ShowsWhatTheCommandPrints) {
  const auto examples = examples_in(RADIAL_SOURCE_DIR "/docs/commands/mask.md");
  ASSERT_GE(examples.size(), 5u);
  for (const Example& example : examples) {
    const TemporaryFolder folder;
    const CommandResult result = run_radial(words(example.command), folder.path());
    EXPECT_EQ(result.out + result.err, example.printed) << "$ radial " << example.command;
  }
}

}  // namespace
}  // namespace radial::test
