#include "mask/mask_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "mask/block_panel.h"
#include "mask/frames_panel.h"
#include "mask/mask_report.h"
#include "mask/picture_style.h"

namespace radial::tools {
namespace {

constexpr int kTitleScale = 3;
constexpr int kTitleHeight = 40;
constexpr int kPanelGap = 40;
constexpr int kLegendGap = 16;
constexpr int kLeastHeight = 480;
constexpr int kSwatch = 16;

int text_width(std::string_view text) { return static_cast<int>(text.size()) * kCharacterWidth; }

struct LegendEntry {
  Color color;
  std::string_view meaning;
};

std::vector<LegendEntry> legend(bool with_lost_tokens) {
  std::vector<LegendEntry> entries = {
      {color_of(Sight::kOwn), "the query block itself"},
      {color_of(Sight::kMiddle), "the rule shows it to the block's middle query"},
      {color_of(Sight::kOthers), "the rule shows it to another of its queries"},
      {color_of(Sight::kAlong), "computed too: its block is kept"},
      {color_of(Sight::kUnseen), "not seen"}};
  if (with_lost_tokens)
    entries.push_back({color_of(Sight::kLost), "shown by the rule, lost with its block"});
  return entries;
}

int legend_width(const std::vector<LegendEntry>& entries) {
  int width = 0;
  for (const LegendEntry& entry : entries) width = std::max(width, text_width(entry.meaning));
  return kSwatch + 10 + width;
}

// `text` broken after commas into lines of at most `width` pixels.
std::vector<std::string> wrapped_lines(const std::string& text, int width) {
  const std::size_t most = std::max(20, width / kCharacterWidth);
  std::vector<std::string> lines(1);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(", ", begin), text.size() - 1) + 1;
    const std::string part = text.substr(begin, end - begin);
    const bool fits = lines.back().empty() || lines.back().size() + part.size() <= most;
    if (!fits) lines.emplace_back();
    lines.back() += lines.back().empty() && part.front() == ' ' ? part.substr(1) : part;
    begin = end;
  }
  return lines;
}

std::string title_of(const MaskFacts& facts) {
  return fmt::format("{}: {:.1f} % of the blocks of dense attention", facts.rule.name,
                     100 * facts.stats.density);
}

std::string row_caption(const FrameSpan& own, std::int32_t query_block, bool all_frames) {
  const std::string frames = own.first == own.last
                                 ? fmt::format("frame {}", own.first)
                                 : fmt::format("frames {} to {}", own.first, own.last);
  return fmt::format("What query block {} (in {}) sees of {}", query_block, frames,
                     all_frames ? "each frame" : "frames near and far");
}

std::vector<std::string> header_lines(const MaskFacts& facts, int width) {
  std::vector<std::string> lines = wrapped_lines(rule_line(facts), width);
  for (std::string& line : wrapped_lines(facts.source.to_string(), width)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

void draw_legend(Image& image, int x, int y, const std::vector<LegendEntry>& entries) {
  for (const LegendEntry& entry : entries) {
    image.fill({x, y, kSwatch, kSwatch}, entry.color);
    image.outline({x, y, kSwatch, kSwatch}, kFrameLine);
    image.text(x + kSwatch + 10, y + 1, entry.meaning, kInk);
    y += kLineHeight;
  }
}

}  // namespace

Image draw_mask(const MaskFacts& facts, std::int32_t query_block) {
  const BlockPanel blocks(facts);
  // The legend stands below the blocks, the frames take the height of both.
  const int most_legend = 6 * kLineHeight + kLegendGap;
  const FramesPanel frames(facts, query_block,
                           std::max(blocks.height() + most_legend, kLeastHeight));
  const std::string left_caption =
      fmt::format("All {0} x {0} blocks of {1} tokens", facts.pattern().num_query_blocks(),
                  facts.plan.block_size());
  const std::string right_caption =
      row_caption(frames_of_block(facts, query_block), query_block, frames.shows_all_frames());
  const std::vector<LegendEntry> entries = legend(frames.shows_lost_tokens());
  const int left_width =
      std::max({blocks.width(), text_width(left_caption), legend_width(entries)});
  const int right_width = std::max(frames.width(), text_width(right_caption));
  const int content_width = left_width + kPanelGap + right_width;
  const std::vector<std::string> header = header_lines(facts, content_width);

  const int captions_y =
      kMargin + kTitleHeight + static_cast<int>(header.size()) * kLineHeight + 16;
  const int panels_y = captions_y + kLineHeight + 8;
  const int legend_y = panels_y + blocks.height() + kLegendGap;
  const int left_end = legend_y + static_cast<int>(entries.size()) * kLineHeight;
  const int content_end = std::max(left_end, panels_y + frames.height());
  Image image(content_width + 2 * kMargin, content_end + kMargin, kPaper);

  image.text(kMargin, kMargin, title_of(facts), kInk, kTitleScale);
  int y = kMargin + kTitleHeight;
  for (const std::string& line : header) {
    image.text(kMargin, y, line, kFaintInk);
    y += kLineHeight;
  }
  const int right_x = kMargin + left_width + kPanelGap;
  image.text(kMargin, captions_y, left_caption, kInk);
  image.text(right_x, captions_y, right_caption, kInk);
  blocks.draw(image, kMargin, panels_y, query_block);
  frames.draw(image, right_x, panels_y);
  draw_legend(image, kMargin, legend_y, entries);
  return image;
}

}  // namespace radial::tools
