#pragma once

#include <cstdint>
#include <vector>

#include "mask/mask_facts.h"
#include "mask/query_view.h"
#include "output/image.h"

namespace radial::tools {

/// One row of the mask unfolded to the frames: a small picture of each latent frame, a point per
/// token, coloured by what the query block makes of it. Of long videos it shows the frames around
/// the query's own at growing distances.
class FramesPanel {
 public:
  /// A panel about `height` pixels high.
  FramesPanel(const MaskFacts& facts, std::int32_t query_block, int height);

  int width() const;
  int height() const;
  void draw(Image& image, int x, int y) const;
  bool shows_all_frames() const;
  /// Whether any token drawn is allowed by the rule but lost with its block.
  bool shows_lost_tokens() const;

 private:
  void choose_frames();
  void choose_zoom(int height);
  int thumbnail_width() const;
  int thumbnail_height() const;
  int cell_width() const;
  int cell_height() const;
  void draw_frame(Image& image, int x, int y, std::size_t index) const;

  const MaskFacts& facts_;
  std::int32_t query_block_;
  std::int32_t own_first_, own_last_;  // frames that the query block lies in
  std::vector<std::int32_t> frames_;   // shown
  std::vector<std::vector<Sight>> views_;
  double zoom_ = 1;  // pixels per token
  int columns_ = 1;
};

}  // namespace radial::tools
