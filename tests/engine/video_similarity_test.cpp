// PSNR and SSIM of clips against values that scikit-image 0.26.0 gives for the same numbers:
// structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
// data_range=1) of each plane, and peak_signal_noise_ratio.

#include "video/train/video_similarity.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/throws.h"

namespace radial::video {
namespace {

struct Clips {
  at::Tensor expected, frames;
};

Clips waves() {
  const auto axis = [](std::int64_t size, std::vector<std::int64_t> shape) {
    return at::arange(size, at::kDouble).view(shape);
  };
  const at::Tensor f = axis(2, {2, 1, 1, 1}), c = axis(3, {1, 3, 1, 1});
  const at::Tensor y = axis(20, {1, 1, 20, 1}), x = axis(24, {1, 1, 1, 24});
  const at::Tensor expected = (x * (c + 1) * 0.1 + y * 0.2 + f).sin() * 0.5 + 0.5;
  return {expected, expected * 0.9 + (y * 0.7).cos() * 0.05 + 0.05};
}

TEST(VideoSimilarity, EqualsScikitImage) {
  const Clips clips = waves();
  EXPECT_NEAR(ssim_of_frames(clips.frames, clips.expected), 0.9211768934288256, 1e-9);
  EXPECT_NEAR(psnr_of_frames(clips.frames, clips.expected), 25.86652197403101, 1e-9);
}

TEST(VideoSimilarity, OfEqualClipsIsTheMost) {
  const Clips clips = waves();
  EXPECT_NEAR(ssim_of_frames(clips.expected, clips.expected), 1, 1e-12);
  EXPECT_EQ(psnr_of_frames(clips.expected, clips.expected),
            std::numeric_limits<double>::infinity());
}

TEST(VideoSimilarity, RefusesOtherShapes) {
  const Clips clips = waves();
  testing::expect_refused(
      [&] { (void)psnr_of_frames(clips.frames, clips.expected.narrow(0, 0, 1)); },
      {"frames: expected two clips"});
  testing::expect_refused(
      [] {
        (void)ssim_of_frames(at::zeros({1, 3, 10, 12}), at::zeros({1, 3, 10, 12}));
      },
      {"sides of 11 pixels or more, got 10 x 12"});
}

}  // namespace
}  // namespace radial::video
