#include "mask/block_panel.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "mask/picture_style.h"

namespace radial::tools {
namespace {

constexpr int kLongestSide = 840;
constexpr int kMostPixelsPerBlock = 48;
constexpr int kAxisWidth = 7 * kCharacterWidth;  // frame numbers and the arrow
constexpr int kAxisHeight = 2 * kLineHeight;
constexpr int kArrow = 10;

// Adds to `coverage` [side] how much of each pixel the blocks of one row cover, in blocks.
void add_row_coverage(const BlockPattern& pattern, std::int32_t row, double weight,
                      std::span<double> coverage) {
  const double scale = static_cast<double>(coverage.size()) / pattern.num_key_blocks();
  for (const BlockRun& run : pattern.row_runs(row)) {
    const double begin = run.begin * scale;
    const double end =
        std::min((run.begin + run.length) * scale, static_cast<double>(coverage.size()));
    for (auto pixel = static_cast<std::size_t>(begin);
         pixel < coverage.size() && static_cast<double>(pixel) < end; ++pixel) {
      const double left = std::max(begin, static_cast<double>(pixel));
      const double right = std::min(end, static_cast<double>(pixel + 1));
      coverage[pixel] += weight * (right - left);
    }
  }
}

// Share of kept blocks under each pixel of a square of `side` pixels.
std::vector<double> shrunk_mask(const BlockPattern& pattern, int side) {
  std::vector<double> shares(static_cast<std::size_t>(side) * side);
  const double scale = static_cast<double>(side) / pattern.num_query_blocks();
  for (std::int32_t row = 0; row < pattern.num_query_blocks(); ++row) {
    const double begin = row * scale, end = std::min((row + 1) * scale, double(side));
    for (int y = static_cast<int>(begin); y < side && y < end; ++y) {
      const double weight = std::min(end, y + 1.0) - std::max(begin, double(y));
      add_row_coverage(pattern, row, weight,
                       std::span(shares).subspan(std::size_t(y) * side, side));
    }
  }
  return shares;
}

// Frames from one label to the next, so that labels up to `frames` stay apart.
int label_step(double pixels_per_frame, std::int32_t frames) {
  const double least_gap = static_cast<double>(std::to_string(frames).size() + 1) * kCharacterWidth;
  for (int power = 1;; power *= 10) {
    for (const int step : {power, 2 * power, 5 * power}) {
      if (step >= frames || step * pixels_per_frame >= least_gap) return step;
    }
  }
}

}  // namespace

BlockPanel::BlockPanel(const MaskFacts& facts) : facts_(facts) {
  const int blocks = facts.pattern().num_query_blocks();
  // Whole pixels per block as long as blocks are fewer than pixels, so that edges stay sharp.
  const int pixels_per_block = std::min(kLongestSide / blocks, kMostPixelsPerBlock);
  side_ = blocks <= kLongestSide ? pixels_per_block * blocks : kLongestSide;
}

int BlockPanel::width() const { return kAxisWidth + side_ + kArrow + 2; }
int BlockPanel::height() const { return kAxisHeight + side_; }

int BlockPanel::row_y(std::int32_t query_block) const {
  return kAxisHeight +
         static_cast<int>((query_block + 0.5) * side_ / facts_.pattern().num_query_blocks());
}

void BlockPanel::draw(Image& image, int x, int y, std::int32_t marked_query_block) const {
  image.text(x, y, "query", kFaintInk);
  image.text(x, y + kLineHeight, "frame", kFaintInk);
  image.text(x + kAxisWidth, y, "key frame", kFaintInk);
  draw_blocks(image, x + kAxisWidth, y + kAxisHeight);
  draw_frames(image, x + kAxisWidth, y + kAxisHeight);
  // Arrowheads on both sides point at the row that is unfolded.
  for (int i = 0; i < kArrow; ++i) {
    const int half = kArrow - i;
    const int row = y + row_y(marked_query_block);
    const Color color = color_of(Sight::kOwn);
    image.fill({x + kAxisWidth - 2 - kArrow + i, row - half / 2, 1, half}, color);
    image.fill({x + kAxisWidth + side_ + 1 + kArrow - i, row - half / 2, 1, half}, color);
  }
}

void BlockPanel::draw_blocks(Image& image, int x, int y) const {
  const std::vector<double> shares = shrunk_mask(facts_.pattern(), side_);
  for (int row = 0; row < side_; ++row) {
    for (int column = 0; column < side_; ++column) {
      const double share = std::min(1.0, shares[std::size_t(row) * side_ + column]);
      image.set(x + column, y + row, mixed(color_of(Sight::kUnseen), kKeptBlock, share));
    }
  }
  image.outline({x, y, side_, side_}, kFaintInk);
}

int BlockPanel::frame_edge(std::int32_t frame) const {
  const VideoLayout& layout = facts_.source.layout;
  const double token =
      static_cast<double>(layout.video_begin() + frame * layout.tokens_per_frame());
  const double tokens =
      static_cast<double>(facts_.pattern().num_query_blocks()) * facts_.plan.block_size();
  return static_cast<int>(std::lround(token / tokens * side_));
}

void BlockPanel::draw_frames(Image& image, int x, int y) const {
  const std::int32_t frames = facts_.source.layout.frames;
  const double pixels_per_frame = static_cast<double>(frame_edge(frames) - frame_edge(0)) / frames;
  const int step = label_step(pixels_per_frame, frames);
  const int text_drop = kGlyphHeight * kTextScale / 2 - kTextScale;
  for (std::int32_t frame = 0; frame < frames; frame += step) {
    const std::string label = std::to_string(frame);
    const int text_width = static_cast<int>(label.size()) * kCharacterWidth;
    const int edge = frame_edge(frame);
    const int center = (edge + frame_edge(frame + 1)) / 2;
    image.fill({x + edge, y - 7, 1, 6}, kFaintInk);
    image.fill({x - 7, y + edge, 6, 1}, kFaintInk);
    image.text(x + center - text_width / 2, y - 26, label, kFaintInk);
    image.text(x - 12 - kArrow - text_width, y + center - text_drop, label, kFaintInk);
  }
}

}  // namespace radial::tools
