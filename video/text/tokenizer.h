#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace radial::video {

/// A text as token numbers.
struct Tokens {
  std::vector<std::int64_t>
      ids;                  ///< the pieces and `</s>`, then padding up to the length asked for
  std::int64_t num_tokens;  ///< those before the padding, `</s>` included
  bool is_cut;              ///< the text was longer than fits
};

/// A sentencepiece tokenizer of the T5 family.
class Tokenizer {
 public:
  /// `path` is a folder with spiece.model (and tokenizer_config.json, if there is one) or such a
  /// .model file. Throws Error if it is absent, FormatError if it is no tokenizer of this family.
  static Tokenizer open(const std::filesystem::path& path);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// `text` as it is, without cleaning, cut so that at most `length` tokens with `</s>` remain,
  /// padded to `length`.
  Tokens encode(const std::string& text, std::int64_t length) const;

  std::int64_t vocabulary_size() const;

 private:
  explicit Tokenizer(std::unique_ptr<sentencepiece::SentencePieceProcessor> pieces);

  std::unique_ptr<sentencepiece::SentencePieceProcessor> pieces_;
  std::int64_t pad_id_ = 0;
  std::int64_t eos_id_ = 1;
  std::int64_t unknown_id_ = 3;
};

}  // namespace radial::video
