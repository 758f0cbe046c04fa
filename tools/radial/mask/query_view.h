#pragma once

#include <cstdint>
#include <vector>

#include "mask/mask_facts.h"

namespace radial::tools {

/// What one query block makes of a key token.
enum class Sight : std::uint8_t {
  kUnseen,
  kOwn,     ///< the token belongs to the query block
  kMiddle,  ///< the rule shows it to the query in the middle of the block
  kOthers,  ///< the rule shows it to another query of the block
  kAlong,   ///< no query asks for it: it is computed because its block is kept
  kLost,    ///< the rule shows it to a query, but its block is not kept
};

/// How query block `query_block` sees the tokens of latent frame `frame`, [grid_h, grid_w] as on
/// the screen, whatever the order of the tokens.
std::vector<Sight> query_view(const MaskFacts& facts, std::int32_t query_block, std::int32_t frame);

/// Query block in the middle of the video: its middle frame, about the middle of the picture.
std::int32_t middle_query_block(const MaskFacts& facts);

/// Latent frames that the tokens of `query_block` lie in, the middle one if it holds no video
/// token.
struct FrameSpan {
  std::int32_t first, last;
};
FrameSpan frames_of_block(const MaskFacts& facts, std::int32_t query_block);

}  // namespace radial::tools
