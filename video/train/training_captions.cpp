#include "video/train/training_captions.h"

#include <cstddef>
#include <utility>

#include "video/text/prompt_cleaning.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

constexpr std::uint64_t kPlainShare = 5;       // one caption in so many is the plain one
constexpr std::uint64_t kCaptionStream = 0xC;  // tells captions from the choice of clips

}  // namespace

CounterRandom caption_random(std::uint64_t seed, std::int64_t step, std::int64_t pass) {
  return {seed ^ kCaptionStream, CounterRandom::mixed(static_cast<std::uint64_t>(step)) +
                                     static_cast<std::uint64_t>(pass)};
}

std::string training_caption(const Scene& scene, CounterRandom& random) {
  const std::uint64_t variant = random.next();
  return caption(scene, variant % kPlainShare == 0 ? 0 : variant);
}

CaptionTokens caption_tokens(const Tokenizer& tokenizer, const std::string& text,
                             std::int64_t text_len) {
  Tokens tokens = tokenizer.encode(clean_prompt(text), text_len);
  tokens.ids.resize(static_cast<std::size_t>(tokens.num_tokens));
  return std::move(tokens.ids);
}

}  // namespace radial::video
