#pragma once

#include <cstdint>

#include "mask/mask_facts.h"
#include "output/image.h"

namespace radial::tools {

/// A picture for people: on the left the whole block mask, on the right the row of `query_block`
/// unfolded to the frames, above them what it is, below them what the colours mean.
Image draw_mask(const MaskFacts& facts, std::int32_t query_block);

}  // namespace radial::tools
