#pragma once

#include <cstdint>
#include <span>

#include "video/world/caption.h"

namespace radial::video {

/// How many numbers `caption_targets` writes.
std::int64_t num_caption_targets();

/// What a caption says as zeros and ones: for each colour whether there is such a body, which shape
/// it has and how it moves; how the camera moves; which ground and which sky (all zero where the
/// caption does not say); how many bodies there are. `targets` has num_caption_targets() elements.
void caption_targets(const CaptionFacts& facts, std::span<float> targets);

}  // namespace radial::video
