#pragma once

#include <cstdint>

#include "mask/mask_facts.h"
#include "output/image.h"

namespace radial::tools {

/// The whole block mask as a square: a row per query block, a column per key block, frame numbers
/// along both edges. Masks with more blocks than pixels are averaged over areas.
class BlockPanel {
 public:
  explicit BlockPanel(const MaskFacts& facts);

  int width() const;
  int height() const;
  /// Height of the row of `query_block` below the panel's top.
  int row_y(std::int32_t query_block) const;
  /// Draws at (x, y) and marks the row of `marked_query_block`.
  void draw(Image& image, int x, int y, std::int32_t marked_query_block) const;

 private:
  void draw_blocks(Image& image, int x, int y) const;
  void draw_frames(Image& image, int x, int y) const;
  int frame_edge(std::int32_t frame) const;

  const MaskFacts& facts_;
  int side_;  // of the square, pixels
};

}  // namespace radial::tools
