#include "mask/query_view.h"

#include <algorithm>

namespace radial::tools {
namespace {

struct TokenSpan {
  std::int64_t begin, end;
};

TokenSpan tokens_of_block(const MaskFacts& facts, std::int32_t block) {
  const std::int64_t size = facts.plan.block_size();
  return {block * size, std::min((block + 1) * size, facts.source.layout.total_tokens())};
}

Sight sight_of(const MaskFacts& facts, const TokenSpan& queries, std::int32_t query_block,
               std::int64_t key) {
  if (key >= queries.begin && key < queries.end) return Sight::kOwn;
  const auto key_block = static_cast<std::int32_t>(key / facts.plan.block_size());
  const bool kept = facts.pattern().contains(query_block, key_block);
  if (facts.mask.attends((queries.begin + queries.end) / 2, key)) {
    return kept ? Sight::kMiddle : Sight::kLost;
  }
  for (std::int64_t query = queries.begin; query < queries.end; ++query) {
    if (facts.mask.attends(query, key)) return kept ? Sight::kOthers : Sight::kLost;
  }
  return kept ? Sight::kAlong : Sight::kUnseen;
}

}  // namespace

std::vector<Sight> query_view(const MaskFacts& facts, std::int32_t query_block,
                              std::int32_t frame) {
  const VideoLayout& layout = facts.source.layout;
  const TokenSpan queries = tokens_of_block(facts, query_block);
  const std::int64_t begin = layout.video_begin() + frame * layout.tokens_per_frame();
  const std::vector<std::int32_t> raster_places = layout.frame_permutation();
  std::vector<Sight> view(layout.tokens_per_frame());
  for (std::size_t place = 0; place < view.size(); ++place) {
    view[raster_places[place]] =
        sight_of(facts, queries, query_block, begin + static_cast<std::int64_t>(place));
  }
  return view;
}

std::int32_t middle_query_block(const MaskFacts& facts) {
  const VideoLayout& layout = facts.source.layout;
  const std::int32_t center = layout.grid_h / 2 * layout.grid_w + layout.grid_w / 2;
  const std::vector<std::int32_t> raster_places = layout.frame_permutation();
  const auto place = std::ranges::find(raster_places, center) - raster_places.begin();
  const std::int64_t frame_begin =
      layout.video_begin() + layout.frames / 2 * layout.tokens_per_frame();
  return static_cast<std::int32_t>((frame_begin + place) / facts.plan.block_size());
}

FrameSpan frames_of_block(const MaskFacts& facts, std::int32_t query_block) {
  const VideoLayout& layout = facts.source.layout;
  const TokenSpan tokens = tokens_of_block(facts, query_block);
  const std::int64_t first = std::max(tokens.begin, layout.video_begin());
  const std::int64_t last = std::min(tokens.end, layout.text_begin()) - 1;
  if (first > last) return {layout.frames / 2, layout.frames / 2};
  return {layout.position_of(first).frame, layout.position_of(last).frame};
}

}  // namespace radial::tools
