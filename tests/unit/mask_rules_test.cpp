#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "radial/mask/radial_mask.h"

namespace radial {
namespace {

struct PaperCount {
  std::int32_t tokens, frames;
  std::int64_t without_sink, with_sink;
};

std::int64_t allowed_pairs(const RadialMask& mask) {
  const std::int64_t n = mask.layout().total_tokens();
  std::int64_t count = 0;
  for (std::int64_t q = 0; q < n; ++q) {
    for (std::int64_t k = 0; k < n; ++k) count += mask.attends(q, k);
  }
  return count;
}

TEST(PaperRule, AllowsAsManyPairsAsEquation4) {
  for (const PaperCount& c : {PaperCount{4, 12, 1180, 1296}, PaperCount{8, 16, 7744, 8400},
                              PaperCount{16, 40, 115472, 123744}, PaperCount{3, 20, 1068, 1206},
                              PaperCount{1, 9, 51, 55}, PaperCount{6, 6, 948, 1032}}) {
    const VideoLayout layout{.frames = c.frames, .grid_h = 1, .grid_w = c.tokens};
    EXPECT_EQ(allowed_pairs(RadialMask(layout, {.rule = "paper", .sink = false})), c.without_sink);
    EXPECT_EQ(allowed_pairs(RadialMask(layout, {.rule = "paper", .sink = true})), c.with_sink);
  }
}

TEST(PaperRule, StaysBelowTheComplexityBoundOfEquation6) {
  for (const std::int32_t tokens : {1, 2, 3, 7, 16}) {
    for (std::int32_t frames = 2; frames < 24; ++frames) {
      const VideoLayout layout{.frames = frames, .grid_h = 1, .grid_w = tokens};
      const double bound = 4.0 * tokens * tokens * frames * std::log2(frames);
      EXPECT_LE(static_cast<double>(allowed_pairs(RadialMask(layout, {.rule = "paper"}))), bound);
    }
  }
}

/// Widths at 3600 and 3840 tokens a frame, decay 1, block 128 (of the reference code).
TEST(ReleasedRule, HasTheReferenceWidthsPerDistance) {
  const VideoLayout layout{.frames = 130, .grid_h = 45, .grid_w = 80};
  const auto distances = describe_distances(RadialMask(layout, {.rule = "released-v2"}));
  const auto reach = [&](std::size_t d) { return distances[d].reach; };
  EXPECT_TRUE(distances[0].whole);
  EXPECT_TRUE(distances[1].whole);
  EXPECT_EQ(reach(2), 1024);
  EXPECT_EQ(reach(7), 512);
  EXPECT_EQ(reach(8), 256);
  EXPECT_EQ(reach(31), 128);
  for (std::size_t d = 32; d < 64; ++d) EXPECT_EQ(distances[d].kept, d % 2 == 0) << d;
  for (std::size_t d = 64; d < 128; ++d) EXPECT_EQ(distances[d].kept, d % 4 == 0) << d;
  EXPECT_EQ(distances[128].kept, true);
  EXPECT_EQ(distances[129].kept, false);
}

TEST(MaskRules, TakeDecayFactorsBeyondAnyInteger) {
  const VideoLayout layout{.frames = 5, .grid_h = 3, .grid_w = 7};
  const std::int64_t all = layout.total_tokens() * layout.total_tokens();
  for (const char* rule : {"radial", "released-v1", "released-v2", "released-hunyuan", "harmonic",
                           "disc", "disc-square"}) {
    MaskOptions options{.rule = rule, .decay_factor = 1e300};
    const bool disc = std::string_view(rule).starts_with("disc");
    if (!disc) options.distance_one = DistanceOne::kBand;
    if (!disc && std::string_view(rule) != "harmonic") options.thinning = false;
    EXPECT_EQ(allowed_pairs(RadialMask(layout, options)), all) << rule;
  }
}

TEST(RadialRule, TakesHalfABlockOffTheReleasedWidths) {
  const VideoLayout layout{.frames = 40, .grid_h = 45, .grid_w = 80};
  const auto ours = describe_distances(RadialMask(layout, {}));
  const auto released = describe_distances(RadialMask(layout, {.rule = "released-v2"}));
  for (std::size_t d = 2; d < ours.size(); ++d) {
    EXPECT_EQ(ours[d].kept, released[d].kept);
    if (ours[d].kept) {
      EXPECT_EQ(ours[d].reach, released[d].reach - 64);
    }
  }
}

TEST(RadialRule, NeverThinsTheNeighbourFrame) {
  const VideoLayout layout{.frames = 8, .grid_h = 8, .grid_w = 12};  // 96 tokens: L(1) = 64
  EXPECT_TRUE(describe_distances(RadialMask(layout, {}))[1].whole);
  EXPECT_FALSE(describe_distances(RadialMask(layout, {.rule = "released-v2"}))[1].kept);
}

TEST(DiscRule, ShrinksItsRadiusWithDistance) {
  const VideoLayout layout{.frames = 5, .grid_h = 30, .grid_w = 40};     // diagonal 50
  const RadialMask mask(layout, {.rule = "disc", .decay_factor = 0.4});  // R = 10
  const auto token = [&](int frame, int row, int column) {
    return (frame * 30 + row) * 40 + column;
  };
  const std::int64_t query = token(0, 15, 20);
  EXPECT_TRUE(mask.attends(query, token(0, 0, 0)));
  EXPECT_TRUE(mask.attends(query, token(1, 15, 30)));
  EXPECT_FALSE(mask.attends(query, token(1, 15, 31)));
  EXPECT_TRUE(mask.attends(query, token(1, 21, 28)));   // 6, 8
  EXPECT_FALSE(mask.attends(query, token(1, 22, 28)));  // 7, 8
  EXPECT_TRUE(mask.attends(query, token(2, 18, 24)));   // 3, 4 with R / 2 = 5
  EXPECT_FALSE(mask.attends(query, token(2, 19, 24)));
  const RadialMask square(layout, {.rule = "disc-square", .decay_factor = 0.4});
  EXPECT_TRUE(square.attends(query, token(2, 20, 25)));
  EXPECT_FALSE(square.attends(query, token(2, 21, 25)));
}

TEST(SlidingTileRule, KeepsItsSizeAtTheBorders) {
  const VideoLayout layout{
      .frames = 6, .grid_h = 32, .grid_w = 48, .order = TokenOrder::tiled(8, 16)};
  const RadialMask mask(
      layout,
      {.rule = "sliding-tile", .window_frames = 3, .window_tiles_h = 3, .window_tiles_w = 1});
  for (std::int64_t query = 0; query < layout.total_tokens(); query += 97) {
    std::int64_t seen = 0;
    for (std::int64_t key = 0; key < layout.total_tokens(); ++key) seen += mask.attends(query, key);
    EXPECT_EQ(seen, 3 * 3 * 128);
  }
}

TEST(PowerRule, KeepsNearBlocksPowersOfTwoAndTheFirst) {
  const VideoLayout layout{.frames = 40, .grid_h = 8, .grid_w = 16};
  const RadialMask mask(layout, {.rule = "power", .span = 3});
  const auto blocks = [&](int q, int k) { return mask.attends(q * 128, k * 128); };
  EXPECT_TRUE(blocks(30, 28));
  EXPECT_FALSE(blocks(30, 27));
  EXPECT_TRUE(blocks(30, 26));
  EXPECT_TRUE(blocks(30, 14));
  EXPECT_TRUE(blocks(30, 38));
  EXPECT_TRUE(blocks(30, 0));
  EXPECT_FALSE(blocks(0, 30));
}

TEST(GlobalTokens, SeeEverythingAndAreSeenByEverything) {
  const VideoLayout layout{
      .frames = 20, .grid_h = 16, .grid_w = 16, .reference_tokens = 5, .text_tokens = 9};
  for (const RuleInfo& rule : mask_rules()) {
    const RadialMask mask(layout, {.rule = rule.name});
    const std::int64_t last = layout.total_tokens() - 1;
    for (std::int64_t token = 0; token <= last; token += 311) {
      EXPECT_TRUE(mask.attends(0, token) && mask.attends(token, 4));
      EXPECT_TRUE(mask.attends(last, token) && mask.attends(token, last - 8));
    }
  }
}

}  // namespace
}  // namespace radial
