// A tokenizer trained on captions: repeatable, read by the engine, able to write every text.

#include "video/text/train_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <memory>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "support/throws.h"
#include "video/checkpoint/json_text.h"
#include "video/text/prompt_cleaning.h"
#include "video/text/tokenizer.h"
#include "video/text/utf8.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

constexpr int kMaxVocabulary = 1024;

std::vector<std::string> training_captions() {
  std::vector<std::string> lines;
  for (std::uint64_t index = 0; index < 3000; ++index) {
    lines.push_back(caption(sample_training_scene(1, index), index));
  }
  return lines;
}

class TrainedTokenizer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (folder_) return;
    folder_ = std::make_unique<TemporaryFolder>();
    train_tokenizer(training_captions(), kMaxVocabulary, folder_->path());
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string decoded(const Tokens& tokens) {
    sentencepiece::SentencePieceProcessor pieces;
    EXPECT_TRUE(pieces.Load(folder_->file("spiece.model").string()).ok());
    std::string text;
    const std::vector<int> ids(tokens.ids.begin(), tokens.ids.end());
    EXPECT_TRUE(pieces.Decode(ids, &text).ok());
    return text;
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

TEST_F(TrainedTokenizer, HasTheSpecialTokensOfUmt5) {
  const Tokenizer tokenizer = Tokenizer::open(folder_->path());
  EXPECT_GT(tokenizer.vocabulary_size(), 512);
  EXPECT_LE(tokenizer.vocabulary_size(), kMaxVocabulary);
  EXPECT_EQ(tokenizer.encode("", 3).ids, (std::vector<std::int64_t>{1, 0, 0}));
  sentencepiece::SentencePieceProcessor pieces;
  ASSERT_TRUE(pieces.Load(folder_->file("spiece.model").string()).ok());
  EXPECT_EQ(pieces.unk_id(), 2);
  EXPECT_EQ(pieces.bos_id(), -1);
}

TEST_F(TrainedTokenizer, SplitsHeldOutPromptsIntoFewPieces) {
  const Tokenizer tokenizer = Tokenizer::open(folder_->path());
  for (const HeldOutPrompt& prompt : held_out_prompts(60)) {
    const Tokens tokens = tokenizer.encode(clean_prompt(prompt.text), 96);
    EXPECT_FALSE(tokens.is_cut) << prompt.text;
    EXPECT_THAT(tokens.ids, ::testing::Not(::testing::Contains(2))) << prompt.text;
    EXPECT_EQ(decoded(tokens), prompt.text);
    const auto words = std::count(prompt.text.begin(), prompt.text.end(), ' ') + 1;
    EXPECT_LE(2 * tokens.num_tokens, 3 * words) << prompt.text;
  }
}

TEST_F(TrainedTokenizer, WordsThatDecideAreOnePiece) {
  const Tokenizer tokenizer = Tokenizer::open(folder_->path());
  for (const char* word : {"red", "turquoise", "ball", "cylinder", "left", "moves", "moving",
                           "bounces", "spins", "away", "camera", "pans", "zooms", "checkered"}) {
    EXPECT_EQ(tokenizer.encode(word, 16).num_tokens, 2) << word;
  }
}

TEST_F(TrainedTokenizer, WritesEveryTextInBytes) {
  const Tokenizer tokenizer = Tokenizer::open(folder_->path());
  for (const std::string text :
       {"\xE4\xB8\x80\xE4\xB8\xAA\xE7\xBA\xA2\xE8\x89\xB2\xE7\x9A\x84\xE7\x90\x83"  // a red ball
        "\xEF\xBC\x8C\xE5\xBE\x80\xE5\xB7\xA6",
        "a fox \xF0\x9F\xA6\x8A jumps", "quiz: 100 % of $7 {x} ~ Ω"}) {
    const Tokens tokens = tokenizer.encode(text, 128);
    EXPECT_THAT(tokens.ids, ::testing::Not(::testing::Contains(2))) << text;
    EXPECT_EQ(decoded(tokens), text);
  }
}

TEST_F(TrainedTokenizer, ComesOutTheSameAgain) {
  const TemporaryFolder again;
  train_tokenizer(training_captions(), kMaxVocabulary, again.path() / "new" / "folder");
  for (const char* name : {"spiece.model", "tokenizer_config.json"}) {
    EXPECT_EQ(read_text_file((again.path() / "new" / "folder" / name).string()),
              read_text_file(folder_->file(name).string()))
        << name;
  }
}

TEST_F(TrainedTokenizer, RefusesWhatCannotBeTrained) {
  const TemporaryFolder folder;
  const auto train = [&folder](const std::vector<std::string>& lines, int max_vocabulary) {
    return
        [&folder, lines, max_vocabulary] { train_tokenizer(lines, max_vocabulary, folder.path()); };
  };
  testing::expect_refused(train({}, 1024), {"lines: expected at least one"});
  testing::expect_refused(train({"a red ball"}, 511), {"max-vocabulary", "512", "511"});
  testing::expect_refused(train({"", ""}, 1024), {"lines: expected text", "2 lines (no text)"});
  std::u32string characters;
  for (char32_t c = 0x4E00; c < 0x4E00 + 300; ++c) characters += c;
  testing::expect_refused(train({encode_utf8(characters)}, 512), {"at most 512", "1 lines"});
  folder.write("file", "");
  EXPECT_THROW(train_tokenizer(training_captions(), kMaxVocabulary, folder.path() / "file"), Error);
}

}  // namespace
}  // namespace radial::video
