// Bytes -> a prompt, cleaned and split, or a sentencepiece model, damaged or not.

#include "video/text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "read_law.h"
#include "temporary_file.h"
#include "video/text/prompt_cleaning.h"
#include "video/text/utf8.h"

namespace radial::testing {
namespace {

constexpr std::int64_t kLength = 24;

void holds_tokens(const video::Tokenizer& tokenizer, const std::string& text) {
  const video::Tokens tokens = tokenizer.encode(text, kLength);
  RADIAL_HOLDS(tokens.ids.size() == kLength);
  RADIAL_HOLDS(tokens.num_tokens >= 1 && tokens.num_tokens <= kLength);
  RADIAL_HOLDS(!tokens.is_cut || tokens.num_tokens == kLength);
  for (const std::int64_t id : tokens.ids) {
    RADIAL_HOLDS(id >= 0 && id < tokenizer.vocabulary_size());
  }
  const std::int64_t end = tokens.ids[static_cast<std::size_t>(tokens.num_tokens - 1)];
  const std::int64_t end_of_nothing = tokenizer.encode("", kLength).ids[0];
  RADIAL_HOLDS(end == end_of_nothing);
}

void clean_and_split(std::string_view prompt) {
  const std::string clean = video::clean_prompt(prompt);
  // Valid UTF-8 that no white space surrounds.
  RADIAL_HOLDS(video::encode_utf8(video::decode_utf8(clean)) == clean);
  RADIAL_HOLDS(clean.empty() || (clean.front() != ' ' && clean.back() != ' '));
  RADIAL_HOLDS(clean.find("  ") == std::string::npos && clean.find('\n') == std::string::npos);
  static const video::Tokenizer tokenizer = video::Tokenizer::open(RADIAL_SPIECE);
  holds_tokens(tokenizer, clean);
  holds_tokens(tokenizer, std::string(prompt));
}

void open_model(std::string_view model) {
  const TemporaryFile file(model);
  reads(
      [&] { holds_tokens(video::Tokenizer::open(file.path()), "a red fox, \xff\xe2\x80\xa6 1"); });
}

void run(std::string_view input) {
  if (!input.empty() && input.front() == 1) {
    open_model(input.substr(1));
  } else {
    clean_and_split(input);
  }
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
