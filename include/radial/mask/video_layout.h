#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "radial/base/export.h"

namespace radial {

/// Order in which the tokens of one frame follow each other.
struct TokenOrder {
  enum class Kind : std::uint8_t {
    kRaster,  ///< row by row, as the models use
    kTiled,   ///< tile by tile (tiles in raster order, tokens of a tile in raster order)
  };
  Kind kind = Kind::kRaster;
  std::int32_t tile_h = 0;  ///< rows of a tile; tiles at the lower edge may have fewer
  std::int32_t tile_w = 0;  ///< columns of a tile; tiles at the right edge may have fewer

  static constexpr TokenOrder raster() { return {}; }
  static constexpr TokenOrder tiled(std::int32_t tile_h, std::int32_t tile_w) {
    return {Kind::kTiled, tile_h, tile_w};
  }
  friend auto operator<=>(const TokenOrder&, const TokenOrder&) = default;
};

/// What a token of the sequence is.
struct TokenPosition {
  bool is_video = true;     ///< false: a global token (reference before, text after the video)
  std::int32_t frame = 0;   ///< latent frame, [0, frames)
  std::int32_t row = 0;     ///< token row in the frame, [0, grid_h)
  std::int32_t column = 0;  ///< token column in the frame, [0, grid_w)
};

/// The sequence a video transformer attends over: [reference tokens | video | text tokens].
/// Global tokens (reference and text) attend to everything and are attended by everything. How many
/// of the text tokens are valid is said per sample at run time (`ForwardArgs::maybe_text_lengths`).
struct RADIAL_API VideoLayout {
  std::int32_t frames = 0;            ///< latent frames F
  std::int32_t grid_h = 0;            ///< token rows per frame, after patching
  std::int32_t grid_w = 0;            ///< token columns per frame, after patching
  std::int32_t reference_tokens = 0;  ///< global tokens before the video
  std::int32_t text_tokens = 0;       ///< global tokens after the video, padding included
  TokenOrder order = {};

  std::int64_t tokens_per_frame() const { return std::int64_t{grid_h} * grid_w; }
  std::int64_t video_tokens() const { return frames * tokens_per_frame(); }
  std::int64_t video_begin() const { return reference_tokens; }
  std::int64_t text_begin() const { return reference_tokens + video_tokens(); }
  std::int64_t total_tokens() const { return text_begin() + text_tokens; }

  /// What stands at place `token` of the sequence, [0, total_tokens()).
  TokenPosition position_of(std::int64_t token) const;

  /// For each place of one frame in `order`, the raster index of the token that stands there
  /// [tokens_per_frame].
  std::vector<std::int32_t> frame_permutation() const;

  /// For each place of the whole sequence, the place of its token in raster order [total_tokens]:
  /// `tiled[i] = raster[permutation()[i]]`. Global tokens keep their places.
  std::vector<std::int64_t> permutation() const;

  /// The inverse: `raster[i] = tiled[inverse_permutation()[i]]`.
  std::vector<std::int64_t> inverse_permutation() const;

  /// Throws InvalidArgument unless every count is in range and the sequence has at most 2^31 - 1
  /// tokens.
  void check() const;

  /// "21 x 45 x 80 tokens, raster" and, where there are any, the global tokens.
  std::string to_string() const;

  friend auto operator<=>(const VideoLayout&, const VideoLayout&) = default;
};

}  // namespace radial
