#pragma once

#include <cstdint>
#include <string>

#include "video/text/tokenizer.h"
#include "video/train/flow_loss.h"
#include "video/world/counter_random.h"
#include "video/world/scene.h"

namespace radial::video {

/// The random numbers that choose the captions of one pass of a step.
CounterRandom caption_random(std::uint64_t seed, std::int64_t step, std::int64_t pass = 0);

/// A caption of `scene` to train on, in words that the next number of `random` chooses: one in five
/// is the plain one.
std::string training_caption(const Scene& scene, CounterRandom& random);

/// Token numbers of a caption, cleaned as prompts are; at most `text_len`, without padding.
CaptionTokens caption_tokens(const Tokenizer& tokenizer, const std::string& text,
                             std::int64_t text_len);

}  // namespace radial::video
