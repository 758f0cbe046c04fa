#include "video/train/video_similarity.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::int64_t kWindow = 11;

void check(const at::Tensor& frames, const at::Tensor& expected) {
  RADIAL_REQUIRE(frames.dim() == 4 && frames.sizes() == expected.sizes(),
                 "frames: expected two clips [F, C, H, W] of one shape, got ", frames.dim(),
                 " dimensions and ", expected.dim(), " of other sizes");
}

}  // namespace

double psnr_of_frames(const at::Tensor& frames, const at::Tensor& expected) {
  check(frames, expected);
  const at::Tensor difference = frames.to(at::kDouble) - expected.to(at::kDouble);
  return -10 * std::log10((difference * difference).mean().item<double>());
}

double ssim_of_frames(const at::Tensor& frames, const at::Tensor& expected) {
  check(frames, expected);
  RADIAL_REQUIRE(frames.size(2) >= kWindow && frames.size(3) >= kWindow,
                 "frames: expected sides of ", kWindow, " pixels or more, got ", frames.size(2),
                 " x ", frames.size(3));
  constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
  const at::TensorOptions options = frames.options().dtype(at::kDouble);
  const at::Tensor offsets = at::arange(kWindow, options) - static_cast<double>(kWindow / 2);
  at::Tensor weights = (offsets * offsets * (-1 / (2 * 1.5 * 1.5))).exp();
  weights = weights / weights.sum();
  const auto mean = [&weights](const at::Tensor& planes) {
    const at::Tensor rows = at::conv2d(planes, weights.view({1, 1, -1, 1}));
    return at::conv2d(rows, weights.view({1, 1, 1, -1}));
  };
  double sum = 0;
  for (std::int64_t i = 0; i < frames.size(0); ++i) {  // a frame at a time: less memory
    const at::Tensor a = frames[i].to(at::kDouble).unsqueeze(1);
    const at::Tensor b = expected[i].to(at::kDouble).unsqueeze(1);
    const at::Tensor mean_a = mean(a), mean_b = mean(b);
    const at::Tensor square_a = mean_a * mean_a, square_b = mean_b * mean_b;
    const at::Tensor spread = mean(a * a) - square_a + mean(b * b) - square_b;
    const at::Tensor common = mean(a * b) - mean_a * mean_b;
    const at::Tensor values = (mean_a * mean_b * 2 + kC1) * (common * 2 + kC2) /
                              ((square_a + square_b + kC1) * (spread + kC2));
    sum += values.mean().item<double>();
  }
  return sum / static_cast<double>(frames.size(0));
}

}  // namespace radial::video
