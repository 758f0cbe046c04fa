#include "mask/frames_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "mask/picture_style.h"

namespace radial::tools {
namespace {

constexpr int kMostFrames = 48;
constexpr int kGap = 14;
constexpr int kLabelHeight = 20;
constexpr int kMostWidth = 900;
constexpr int kLabelCharacters = 8;  // "128 +120"

// Mean colour of the tokens under one pixel.
Color mean_color(const std::vector<Sight>& view, std::int32_t grid_w, const Rectangle& tokens) {
  int red = 0, green = 0, blue = 0;
  for (int row = tokens.y; row < tokens.y + tokens.height; ++row) {
    for (int column = tokens.x; column < tokens.x + tokens.width; ++column) {
      const Color color = color_of(view[std::size_t(row) * grid_w + column]);
      red += color.red;
      green += color.green;
      blue += color.blue;
    }
  }
  const int count = tokens.width * tokens.height;
  const auto mean = [count](int sum) { return static_cast<std::uint8_t>(sum / count); };
  return {mean(red), mean(green), mean(blue)};
}

// 1 2 3 4 6 8 12 16 24 ...: two steps per doubling, as the bands double.
constexpr std::int64_t next_distance(std::int64_t distance) {
  if (distance == 1) return 2;
  const bool power_of_two = (distance & (distance - 1)) == 0;
  return power_of_two ? distance + distance / 2 : distance / 3 * 4;
}
static_assert(next_distance(4) == 6 && next_distance(6) == 8 && next_distance(8) == 12);

}  // namespace

FramesPanel::FramesPanel(const MaskFacts& facts, std::int32_t query_block, int height)
    : facts_(facts), query_block_(query_block) {
  const FrameSpan own = frames_of_block(facts, query_block);
  own_first_ = own.first;
  own_last_ = own.last;
  choose_frames();
  choose_zoom(height);
  for (const std::int32_t frame : frames_) views_.push_back(query_view(facts, query_block, frame));
}

void FramesPanel::choose_frames() {
  const std::int32_t count = facts_.source.layout.frames;
  std::set<std::int32_t> shown;
  if (count <= kMostFrames) {
    for (std::int32_t frame = 0; frame < count; ++frame) shown.insert(frame);
  } else {
    shown = {0, 1, count - 1, own_first_, own_last_};
    for (std::int64_t distance = 1; distance < count; distance = next_distance(distance)) {
      shown.insert(static_cast<std::int32_t>(std::max<std::int64_t>(0, own_first_ - distance)));
      shown.insert(
          static_cast<std::int32_t>(std::min<std::int64_t>(count - 1, own_last_ + distance)));
    }
  }
  frames_.assign(shown.begin(), shown.end());
}

void FramesPanel::choose_zoom(int height) {
  const auto fits = [&](double zoom, int columns) {
    zoom_ = zoom;
    columns_ = columns;
    return width() <= kMostWidth && this->height() <= height;
  };
  const int count = static_cast<int>(frames_.size());
  for (const double zoom :
       {16.0, 12.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 1.0 / 3, 0.25}) {
    for (int columns = 1; columns <= count; ++columns) {
      if (fits(zoom, columns)) return;
    }
  }
  // Very large frames: as small as need be.
  const VideoLayout& layout = facts_.source.layout;
  fits(64.0 / std::max(layout.grid_w, layout.grid_h), std::min(count, 8));
}

int FramesPanel::thumbnail_width() const {
  return std::max(1, static_cast<int>(facts_.source.layout.grid_w * zoom_));
}
int FramesPanel::thumbnail_height() const {
  return std::max(1, static_cast<int>(facts_.source.layout.grid_h * zoom_));
}
int FramesPanel::cell_width() const {
  return std::max(thumbnail_width(), kLabelCharacters * kCharacterWidth) + kGap;
}
int FramesPanel::cell_height() const { return thumbnail_height() + kLabelHeight + kGap; }
int FramesPanel::width() const { return columns_ * cell_width() - kGap + 2; }
int FramesPanel::height() const {
  const int rows = (static_cast<int>(frames_.size()) + columns_ - 1) / columns_;
  return rows * cell_height() - kGap + 2;
}

bool FramesPanel::shows_all_frames() const {
  return std::ssize(frames_) == facts_.source.layout.frames;
}

bool FramesPanel::shows_lost_tokens() const {
  return std::ranges::any_of(views_, [](const std::vector<Sight>& view) {
    return std::ranges::find(view, Sight::kLost) != view.end();
  });
}

void FramesPanel::draw(Image& image, int x, int y) const {
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    const int row = static_cast<int>(i) / columns_, column = static_cast<int>(i) % columns_;
    draw_frame(image, x + 1 + column * cell_width(), y + row * cell_height(), i);
  }
}

void FramesPanel::draw_frame(Image& image, int x, int y, std::size_t index) const {
  const std::int32_t frame = frames_[index];
  const bool own = frame >= own_first_ && frame <= own_last_;
  const std::int32_t away = frame < own_first_ ? frame - own_first_ : frame - own_last_;
  const std::string where = own ? "own" : fmt::format("{:+}", away);
  std::string label = fmt::format("frame {} {}", frame, where);
  if (static_cast<int>(label.size()) * kCharacterWidth > cell_width() - kGap) {
    label = fmt::format("{} {}", frame, where);
  }
  image.text(x, y, label, own ? color_of(Sight::kOwn) : kFaintInk);
  y += kLabelHeight;

  const VideoLayout& layout = facts_.source.layout;
  const int width = thumbnail_width(), height = thumbnail_height();
  const auto first_token = [](int pixel, int pixels, int tokens) {
    return static_cast<int>(std::int64_t{pixel} * tokens / pixels);
  };
  for (int py = 0; py < height; ++py) {
    const int row = first_token(py, height, layout.grid_h);
    const int rows = std::max(1, first_token(py + 1, height, layout.grid_h) - row);
    for (int px = 0; px < width; ++px) {
      const int column = first_token(px, width, layout.grid_w);
      const int columns = std::max(1, first_token(px + 1, width, layout.grid_w) - column);
      image.set(x + px, y + py,
                mean_color(views_[index], layout.grid_w, {column, row, columns, rows}));
    }
  }
  image.outline({x, y, width, height}, own ? color_of(Sight::kOwn) : kFrameLine);
}

}  // namespace radial::tools
