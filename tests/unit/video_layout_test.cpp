#include "radial/mask/video_layout.h"

#include <gtest/gtest.h>

#include "support/random_layout.h"
#include "support/throws.h"

namespace radial {
namespace {

using testing::expect_refused;

TEST(VideoLayout, CountsTokens) {
  const VideoLayout layout{
      .frames = 21, .grid_h = 45, .grid_w = 80, .reference_tokens = 7, .text_tokens = 256};
  EXPECT_EQ(layout.tokens_per_frame(), 3600);
  EXPECT_EQ(layout.video_tokens(), 75600);
  EXPECT_EQ(layout.video_begin(), 7);
  EXPECT_EQ(layout.text_begin(), 75607);
  EXPECT_EQ(layout.total_tokens(), 75863);
}

TEST(VideoLayout, TiledOrderWalksTileByTile) {
  const VideoLayout layout{.frames = 1, .grid_h = 3, .grid_w = 5, .order = TokenOrder::tiled(2, 2)};
  const std::vector<std::int32_t> expected = {0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14};
  EXPECT_EQ(layout.frame_permutation(), expected);
}

TEST(VideoLayout, PositionsAgreeWithThePermutation) {
  testing::RandomLayouts random(1);
  for (int number = 0; number < 200; ++number) {
    const VideoLayout layout = random.layout(600);
    const std::vector<std::int64_t> raster = layout.permutation();
    const std::vector<std::int64_t> inverse = layout.inverse_permutation();
    for (std::int64_t token = 0; token < layout.total_tokens(); ++token) {
      const TokenPosition place = layout.position_of(token);
      const std::int64_t in_raster = raster[static_cast<std::size_t>(token)];
      ASSERT_EQ(inverse[static_cast<std::size_t>(in_raster)], token);
      ASSERT_EQ(place.is_video, token >= layout.video_begin() && token < layout.text_begin());
      if (!place.is_video) {
        ASSERT_EQ(in_raster, token);
        continue;
      }
      ASSERT_EQ(in_raster, layout.video_begin() + place.frame * layout.tokens_per_frame() +
                               place.row * layout.grid_w + place.column)
          << layout.to_string();
    }
  }
}

TEST(VideoLayout, RefusesBadSizesByName) {
  const VideoLayout good{.frames = 2, .grid_h = 3, .grid_w = 4};
  const auto with = [&](auto member, auto value) {
    VideoLayout bad = good;
    bad.*member = value;
    return [bad] { bad.check(); };
  };
  EXPECT_NO_THROW(good.check());
  expect_refused(with(&VideoLayout::frames, 0), {"frames", "at least 1", "got 0"});
  expect_refused(with(&VideoLayout::grid_h, -3), {"grid_h", "got -3"});
  expect_refused(with(&VideoLayout::grid_w, 0), {"grid_w"});
  expect_refused(with(&VideoLayout::text_tokens, -1), {"text_tokens"});
  expect_refused(with(&VideoLayout::reference_tokens, -1), {"reference_tokens"});
  expect_refused(with(&VideoLayout::order, TokenOrder::tiled(0, 4)), {"order", "0 x 4"});
  expect_refused(with(&VideoLayout::frames, 2000000000), {"2^31 - 1"});
  expect_refused([&] { good.position_of(24); }, {"token", "0 to 23", "got 24"});
}

}  // namespace
}  // namespace radial
