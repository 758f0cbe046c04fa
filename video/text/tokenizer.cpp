#include "video/text/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelName = "spiece.model";
// transformers 5 rebuilds this tokenizer class with a number of its own for unknown characters,
// whatever the model says; folders that it wrote name their backend.
constexpr std::int64_t kTransformersUnknownId = 2;

fs::path model_file(const fs::path& path) {
  const fs::path file = fs::is_directory(path) ? path / kModelName : path;
  if (!fs::is_regular_file(file)) throw Error(concat(file.string(), ": no such file"));
  return file;
}

bool is_rebuilt_by_transformers(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  if (!fs::is_regular_file(file)) return false;
  const nlohmann::json config = parse_json_object(read_text_file(file.string()), file.string());
  const auto text = [&config](const char* key) {
    const auto found = config.find(key);
    return found != config.end() && found->is_string() ? found->get<std::string>() : "";
  };
  return text("tokenizer_class") == "T5Tokenizer" && text("backend") == "tokenizers";
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<sentencepiece::SentencePieceProcessor> pieces)
    : pieces_(std::move(pieces)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::open(const fs::path& path) {
  const fs::path file = model_file(path);
  const std::string model = read_text_file(file.string());
  auto pieces = std::make_unique<sentencepiece::SentencePieceProcessor>();
  // The library's own messages go to stderr, over several lines.
  const auto status = pieces->LoadFromSerializedProto(model);
  if (!status.ok()) throw FormatError(concat(file.string(), ": no sentencepiece model"));
  Tokenizer tokenizer(std::move(pieces));
  tokenizer.pad_id_ = tokenizer.pieces_->pad_id();
  tokenizer.eos_id_ = tokenizer.pieces_->eos_id();
  tokenizer.unknown_id_ = tokenizer.pieces_->unk_id();
  if (tokenizer.pad_id_ < 0 || tokenizer.eos_id_ < 0) {
    throw FormatError(concat(file.string(), ": the vocabulary has no padding or no end token"));
  }
  if (is_rebuilt_by_transformers(file.parent_path())) {
    tokenizer.unknown_id_ = kTransformersUnknownId;
  }
  return tokenizer;
}

Tokens Tokenizer::encode(const std::string& text, std::int64_t length) const {
  RADIAL_REQUIRE(length >= 1, "max-length: expected at least 1, got ", length);
  std::vector<int> pieces;
  if (!pieces_->Encode(text, &pieces).ok()) throw Error("the text cannot be split into tokens");
  const auto kept = std::min(pieces.size(), static_cast<std::size_t>(length - 1));
  Tokens tokens{{}, static_cast<std::int64_t>(kept) + 1, kept < pieces.size()};
  tokens.ids.assign(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(kept));
  std::replace(tokens.ids.begin(), tokens.ids.end(), std::int64_t{pieces_->unk_id()}, unknown_id_);
  tokens.ids.push_back(eos_id_);
  tokens.ids.resize(static_cast<std::size_t>(length), pad_id_);
  return tokens;
}

std::int64_t Tokenizer::vocabulary_size() const { return pieces_->GetPieceSize(); }

}  // namespace radial::video
