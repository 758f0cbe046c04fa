#include "video/train/world_clips.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"

namespace radial::video {
namespace {

WorldClipsOptions small_clips() {
  return {
      .size = {.width = 32, .height = 24, .num_frames = 6}, .count = 3, .at_first = 1, .seed = 5};
}

constexpr CutSize kCut{.frames = 5, .height = 16, .width = 16};

TEST(WorldClips, AreTheSameWhateverWasDrawnBefore) {
  WorldClips one(small_clips()), two(small_clips());
  for (const std::int64_t step : {0, 1, 7}) one.batch(kCut, 2, step);
  const at::Tensor again = two.batch(kCut, 2, 7);
  EXPECT_TRUE(one.batch(kCut, 2, 7).equal(again));
  EXPECT_FALSE(one.batch(kCut, 2, 8).equal(again));
  EXPECT_EQ(again.sizes(), at::IntArrayRef({2, 3, 5, 16, 16}));
}

TEST(WorldClips, AreOneMoreEachStepUpToAllOfThem) {
  const WorldClips clips(small_clips());
  EXPECT_EQ(clips.available(0), 1);
  EXPECT_EQ(clips.available(1), 2);
  EXPECT_EQ(clips.available(2), 3);
  EXPECT_EQ(clips.available(100), 3);
}

TEST(WorldClips, CutsAreOfTheClips) {
  WorldClipsOptions options = small_clips();
  options.count = 1;
  WorldClips clips(options);
  const at::Tensor whole = clips.clip(0)[0];
  const at::Tensor drawn = render({clips.scene(0)}, options.size, at::kCPU)[0];
  EXPECT_LE((whole - drawn).abs().max().item<double>(), 0.5 / 127.5 + 1e-6) << "bytes are rounded";
  const at::Tensor cut = clips.batch(kCut, 1, 3)[0];
  int found = 0;
  for (std::int64_t first = 0; first <= 1; ++first) {
    for (std::int64_t top = 0; top <= 8; ++top) {
      for (std::int64_t left = 0; left <= 16; ++left) {
        found += whole.narrow(1, first, 5).narrow(2, top, 16).narrow(3, left, 16).equal(cut);
      }
    }
  }
  EXPECT_GE(found, 1);
}

TEST(WorldClips, NeverShowWhatIsHeldOut) {
  WorldClipsOptions options;
  options.seed = 11;
  const WorldClips clips(options);
  int would_be = 0;
  for (std::int64_t index = 0; index < 1000; ++index) {
    EXPECT_FALSE(is_held_out(clips.scene(index))) << index;
    would_be += is_held_out(sample_scene(11, static_cast<std::uint64_t>(index)));
  }
  EXPECT_GT(would_be, 0) << "else this test would see nothing";
}

TEST(WorldClips, ComeInTheMemoryFormatAskedFor) {
  WorldClips clips(small_clips());
  const at::Tensor pixels = clips.batch(kCut, 2, 0, at::MemoryFormat::ChannelsLast3d);
  EXPECT_TRUE(pixels.is_contiguous(at::MemoryFormat::ChannelsLast3d));
  EXPECT_TRUE(pixels.equal(clips.batch(kCut, 2, 0)));
}

TEST(WorldClips, RefusesCutsLargerThanClips) {
  WorldClips clips(small_clips());
  EXPECT_THROW(clips.batch({.frames = 7, .height = 16, .width = 16}, 1, 0), InvalidArgument);
  EXPECT_THROW(clips.batch({.frames = 5, .height = 32, .width = 16}, 1, 0), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
