#include "video/text/train_tokenizer.h"

#include <sentencepiece_trainer.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "radial/base/error.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr int kSmallestLimit = 512, kLargestLimit = 65536;

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  bool done() const override { return next_ == lines_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return lines_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::vector<std::string> lines_;
  std::size_t next_ = 0;
};

std::unordered_map<std::string, std::string> options(int max_vocabulary) {
  return {{"model_type", "unigram"},
          {"vocab_size", std::to_string(max_vocabulary)},
          {"hard_vocab_limit", "false"},
          {"byte_fallback", "true"},
          {"character_coverage", "1.0"},
          {"normalization_rule_name", "identity"},
          {"pad_id", "0"},
          {"eos_id", "1"},
          {"unk_id", "2"},
          {"bos_id", "-1"},
          {"num_threads", "1"},
          {"shuffle_input_sentence", "false"},
          {"minloglevel", "2"}};
}

// Pieces of the trainer are what occurs in two different words, one without and one with
// punctuation among them. A word that always has the same neighbour would be cut up; hence each
// once more.
std::vector<std::string> with_each_word_alone(std::vector<std::string> lines) {
  std::set<std::string> words;
  for (const std::string& line : lines) {
    std::istringstream stream(line);
    for (std::string word; stream >> word;) words.insert(word);
  }
  for (const std::string& word : words) lines.push_back(word + " " + word + '.');
  return lines;
}

// What T5Tokenizer of transformers needs to know that the model does not say.
constexpr std::string_view kConfig = R"({
  "backend": "tokenizers",
  "tokenizer_class": "T5Tokenizer",
  "eos_token": "</s>",
  "pad_token": "<pad>",
  "unk_token": "<unk>",
  "extra_ids": 0,
  "extra_special_tokens": [],
  "model_max_length": 512
}
)";

// The library's message without the place in its source and the condition that failed there.
std::string reason_of(const std::string& message) {
  const auto end = message.rfind("] ");
  const std::string reason = end == std::string::npos ? message : message.substr(end + 2);
  return reason.empty() ? "no text" : reason;
}

void write(const fs::path& file, std::string_view bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) throw Error(concat(file.string(), ": cannot be written"));
}

}  // namespace

void train_tokenizer(const std::vector<std::string>& lines, int max_vocabulary,
                     const fs::path& folder) {
  RADIAL_REQUIRE(!lines.empty(), "lines: expected at least one, got none");
  RADIAL_REQUIRE(max_vocabulary >= kSmallestLimit && max_vocabulary <= kLargestLimit,
                 "max-vocabulary: expected ", kSmallestLimit, " to ", kLargestLimit, ", got ",
                 max_vocabulary);
  Lines sentences(with_each_word_alone(lines));
  std::string model;
  const auto status =
      sentencepiece::SentencePieceTrainer::Train(options(max_vocabulary), &sentences, &model);
  RADIAL_REQUIRE(status.ok(), "lines: expected text for at most ", max_vocabulary, " pieces, got ",
                 lines.size(), " lines (", reason_of(status.message()), ")");
  std::error_code ignored;  // the files tell
  fs::create_directories(folder, ignored);
  write(folder / "spiece.model", model);
  write(folder / "tokenizer_config.json", kConfig);
}

}  // namespace radial::video
