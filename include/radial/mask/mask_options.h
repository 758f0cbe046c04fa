#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace radial {

/// How wide a query sees the frames next to its own.
enum class DistanceOne : std::uint8_t {
  kRule,   ///< as the rule says
  kWhole,  ///< the whole neighbour frame
  kHalf,   ///< |k - l| <= floor(s / 2), as the first release did for Wan
  kBand,   ///< the rule's formula for farther frames, continued to distance 1
};

/// Which rule, and its parameters. A parameter that is not set takes the rule's own default; one
/// that the rule does not have is refused (InvalidArgument names it).
struct MaskOptions {
  std::string rule = "radial";
  std::int32_t block_size = 128;  ///< tokens per block edge, 64 or 128
  double decay_factor = 1.0;      ///< scales every band width; > 0
  std::optional<bool> sink = {};  ///< do all queries see the first frames
  std::int32_t sink_frames = 1;   ///< how many frames the sink has
  DistanceOne distance_one = DistanceOne::kRule;
  std::optional<bool> thinning = {};  ///< skip frames once the band is narrower than the
                                      ///< threshold
  std::optional<std::int32_t> thinning_threshold = {};  ///< in tokens
  std::optional<std::int32_t> span = {};                ///< `spatial`: frames c; `power`: blocks c
  std::optional<std::int64_t> width = {};               ///< `temporal`, `window`: tokens w
  std::optional<std::int32_t> window_frames = {};       ///< `sliding-tile`: extent in frames
  std::optional<std::int32_t> window_tiles_h = {};      ///< `sliding-tile`: extent in tiles, rows
  std::optional<std::int32_t> window_tiles_w = {};  ///< `sliding-tile`: extent in tiles, columns

  friend auto operator<=>(const MaskOptions&, const MaskOptions&) = default;
};

}  // namespace radial
