#include "video/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/json_text.h"
#include "video/checkpoint/safetensors.h"
#include "video/text/prompt_cleaning.h"

namespace radial::video {
namespace {

using testing::HasSubstr;

constexpr const char* kFolder = RADIAL_PARITY_DATA "/umt5_small/tokenizer";

std::vector<std::int64_t> expected_ids(const SafetensorsFile& file, int index) {
  const TensorEntry& entry = *file.find("ids_" + std::to_string(index));
  const auto* first = reinterpret_cast<const std::int64_t*>(file.data(entry).data());
  return {first, first + entry.num_elements()};
}

// Ids by transformers: tests/parity/generate/umt5_small.py.
TEST(Tokenizer, GivesTheIdsOfTransformers) {
  const std::string path = RADIAL_PARITY_DATA "/umt5_small/prompts.json";
  const nlohmann::json parsed = parse_json_object(read_text_file(path), path);
  const auto file = SafetensorsFile::open(RADIAL_PARITY_DATA "/umt5_small/expected.safetensors");
  const Tokenizer tokenizer = Tokenizer::open(kFolder);
  int index = 0;
  for (const nlohmann::json& prompt : parsed.at("prompts")) {
    const std::string cleaned = clean_prompt(prompt.get<std::string>());
    const std::int64_t length = parsed.at("length").get<std::int64_t>();
    EXPECT_EQ(tokenizer.encode(cleaned, length).ids, expected_ids(*file, index)) << cleaned;
    ++index;
  }
  ASSERT_GE(index, 5);
}

TEST(Tokenizer, ALongTextIsCutAndKeepsItsEndToken) {
  const Tokenizer tokenizer = Tokenizer::open(kFolder);
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "the lazy dog jumps ";
  const Tokens cut = tokenizer.encode(text, 16);
  EXPECT_TRUE(cut.is_cut);
  EXPECT_EQ(cut.num_tokens, 16);
  EXPECT_EQ(cut.ids.size(), 16u);
  EXPECT_EQ(cut.ids.back(), 1);
  EXPECT_EQ(tokenizer.encode(text, 1).ids, std::vector<std::int64_t>{1});
}

TEST(Tokenizer, AnEmptyTextIsTheEndTokenAndPadding) {
  const Tokens empty = Tokenizer::open(kFolder).encode("", 5);
  EXPECT_EQ(empty.ids, (std::vector<std::int64_t>{1, 0, 0, 0, 0}));
  EXPECT_EQ(empty.num_tokens, 1);
  EXPECT_FALSE(empty.is_cut);
}

TEST(Tokenizer, AnUnknownCharacterFollowsWhoWroteTheFolder) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(std::filesystem::path(kFolder) / "spiece.model",
                             folder.file("spiece.model"));
  const auto last_piece = [](const Tokenizer& tokenizer) {
    const Tokens tokens = tokenizer.encode("fox \xF0\x9F\xA6\x8A", 32);
    return tokens.ids[static_cast<std::size_t>(tokens.num_tokens) - 2];
  };
  EXPECT_EQ(last_piece(Tokenizer::open(folder.path())), 3);
  EXPECT_EQ(last_piece(Tokenizer::open(kFolder)), 2);
}

TEST(Tokenizer, RefusesWhatIsNoTokenizer) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<Error>([&] { Tokenizer::open(folder.path()); }),
              HasSubstr("no such file"));
  folder.write("spiece.model", "");
  EXPECT_THROW(Tokenizer::open(folder.path()), Error);
  folder.write("spiece.model", std::string(300, '\xff'));
  EXPECT_THAT(message_of<FormatError>([&] { Tokenizer::open(folder.path()); }),
              HasSubstr("no sentencepiece model"));
  EXPECT_THROW(Tokenizer::open(kFolder).encode("a", 0), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
