#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

#include "radial/base/error.h"
#include "video/world/caption.h"
#include "video/world/caption_phrases.h"

namespace radial::video {
namespace {

constexpr std::size_t kMaxBodies = 3;

// Spellings that the table does not have.
std::string respelled(std::string word) {
  constexpr std::array<std::array<std::string_view, 2>, 7> kSpellings{{{"towards", "toward"},
                                                                       {"leftwards", "leftward"},
                                                                       {"rightwards", "rightward"},
                                                                       {"travelling", "traveling"},
                                                                       {"coloured", "colored"},
                                                                       {"colour", "color"},
                                                                       {"chequered", "checkered"}}};
  for (const auto& [from, to] : kSpellings) {
    if (word == from) return std::string(to);
  }
  return word;
}

bool is_ascii_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Lower-case words; an empty one where punctuation parts them, which no phrase spans.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(respelled(std::exchange(word, {})));
  };
  for (const char c : text) {
    const bool is_beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
    if (is_ascii_letter_or_digit(c) || c == '\'' || is_beyond_ascii) {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      continue;
    }
    end_word();
    const bool parts = std::string_view(",.;:!?()\"").find(c) != std::string_view::npos;
    if (parts) words.emplace_back();
  }
  end_word();
  return words;
}

class PhraseIndex {
 public:
  PhraseIndex() {
    for (const Phrase& phrase : caption_phrases()) {
      by_text_.emplace(phrase.text, &phrase);
      const auto spaces = std::count(phrase.text.begin(), phrase.text.end(), ' ');
      most_words_ = std::max(most_words_, static_cast<std::size_t>(spaces) + 1);
    }
  }

  /// The longest phrase that begins at `words[first]` and its number of words, or null and 0.
  std::pair<const Phrase*, std::size_t> longest(const std::vector<std::string>& words,
                                                std::size_t first) const {
    std::pair<const Phrase*, std::size_t> found{nullptr, 0};
    std::string text;
    const std::size_t end = std::min(words.size(), first + most_words_);
    for (std::size_t i = first; i < end && !words[i].empty(); ++i) {
      if (i > first) text += ' ';
      text += words[i];
      const auto phrase = by_text_.find(text);
      if (phrase != by_text_.end()) found = {phrase->second, i + 1 - first};
    }
    return found;
  }

 private:
  std::map<std::string, const Phrase*, std::less<>> by_text_;
  std::size_t most_words_ = 0;
};

template <typename Value>
void set_once(std::optional<Value>& fact, int value, std::string_view what) {
  const auto said = static_cast<Value>(value);
  RADIAL_REQUIRE(!fact || *fact == said, "caption: expected one ", what, ", got two");
  fact = said;
}

/// Facts from phrases in the order of the text.
class FactsReader {
 public:
  void read(const Phrase& phrase) {
    switch (phrase.topic) {
      case Topic::kShape:
        return read_part(shape_, phrase.value, "shape");
      case Topic::kColor:
        return read_part(color_, phrase.value, "color");
      case Topic::kMotion:
        return read_part(motion_, phrase.value, "motion");
      case Topic::kCamera:
        return set_once(camera_, phrase.value, "camera move");
      case Topic::kGround:
        return set_once(facts_.ground, phrase.value, "ground");
      case Topic::kSky:
        return set_once(facts_.sky, phrase.value, "time of day");
      case Topic::kNumber:
        return set_once(number_, phrase.value, "number of bodies");
    }
  }

  CaptionFacts finish() {
    auto& bodies = facts_.bodies;
    const bool is_open = shape_ || color_ || motion_;
    if (is_open || bodies.empty()) refuse_body("none");
    RADIAL_REQUIRE(!number_ || static_cast<std::size_t>(*number_) == bodies.size(),
                   "caption: expected ", number_.value_or(0), " bodies as it says, got ",
                   bodies.size());
    std::sort(bodies.begin(), bodies.end(),
              [](const BodyFacts& a, const BodyFacts& b) { return a.color < b.color; });
    const auto twice = std::adjacent_find(
        bodies.begin(), bodies.end(),
        [](const BodyFacts& a, const BodyFacts& b) { return a.color == b.color; });
    RADIAL_REQUIRE(twice == bodies.end(), "caption: expected bodies of different colors, got two ",
                   name_of(twice->color), " ones");
    facts_.camera = camera_.value_or(CameraMove::kStatic);
    return std::move(facts_);
  }

 private:
  [[noreturn]] void refuse_body(std::string_view got) const {
    const std::string_view missing = !color_ ? "color" : !shape_ ? "shape" : "motion";
    throw InvalidArgument(concat("caption: expected the ", missing, " of body ",
                                 facts_.bodies.size() + 1, ", got ", got));
  }

  // A body is complete with its three parts, in whatever order; then the next one begins.
  template <typename Part>
  void read_part(std::optional<Part>& part, int value, std::string_view what) {
    if (part) refuse_body(concat("another ", what));
    part = static_cast<Part>(value);
    if (!shape_ || !color_ || !motion_) return;
    RADIAL_REQUIRE(facts_.bodies.size() < kMaxBodies, "caption: expected at most ", kMaxBodies,
                   " bodies, got more");
    facts_.bodies.push_back({*color_, *shape_, *motion_});
    shape_.reset();
    color_.reset();
    motion_.reset();
  }

  std::optional<BodyShape> shape_;
  std::optional<BodyColor> color_;
  std::optional<Motion> motion_;
  std::optional<CameraMove> camera_;
  std::optional<int> number_;
  CaptionFacts facts_;
};

}  // namespace

CaptionFacts parse_caption(std::string_view text) {
  static const PhraseIndex index;
  const std::vector<std::string> words = words_of(text);
  FactsReader reader;
  for (std::size_t i = 0; i < words.size();) {
    const auto [phrase, num_words] = index.longest(words, i);
    if (phrase != nullptr) reader.read(*phrase);
    RADIAL_REQUIRE(phrase != nullptr || words[i].empty() || is_filler(words[i]),
                   "caption: expected words of the synthetic world, got \"", words[i].substr(0, 40),
                   "\"");
    i += std::max<std::size_t>(num_words, 1);
  }
  return reader.finish();
}

}  // namespace radial::video
