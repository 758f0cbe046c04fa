#include "video/train/vae_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool3d.h>
#include <ATen/ops/diff.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::int64_t kFrames = 2, kRows = 3, kColumns = 4;  // axes of [B, C, F, H, W]

std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return {dense.const_data_ptr<double>(), dense.const_data_ptr<double>() + dense.numel()};
}

// [F, 1, 1], of mean 1: `first` times as much on the first frame as on each other one.
at::Tensor frame_weights(std::int64_t frames, double first, const at::TensorOptions& options) {
  const double unit = static_cast<double>(frames) / (first + static_cast<double>(frames - 1));
  at::Tensor weights = at::full({frames, 1, 1}, unit, options);
  weights.select(0, 0).mul_(first);
  return weights;
}

}  // namespace

void VaeLossOptions::check() const {
  RADIAL_REQUIRE(divergence_weight >= 0, "divergence_weight: expected a number not below 0, got ",
                 divergence_weight);
  RADIAL_REQUIRE(edge_weight >= 0, "edge_weight: expected a number not below 0, got ", edge_weight);
  RADIAL_REQUIRE(edge_scales >= 1 && edge_scales <= 6, "edge_scales: expected 1 to 6, got ",
                 edge_scales);
  RADIAL_REQUIRE(first_frame_weight > 0, "first_frame_weight: expected more than 0, got ",
                 first_frame_weight);
}

at::Tensor edge_difference(const at::Tensor& video, const at::Tensor& expected,
                           std::int64_t scales) {
  RADIAL_REQUIRE(video.dim() == 5 && video.sizes() == expected.sizes(),
                 "video: expected [B, C, F, H, W] as the other, got ", video.sizes(), " and ",
                 expected.sizes());
  RADIAL_REQUIRE(scales >= 1, "scales: expected at least 1, got ", scales);
  RADIAL_REQUIRE(video.size(kRows) >= 2 && video.size(kColumns) >= 2,
                 "video: expected two pixels a side or more, got ", video.sizes());
  // Differences are linear, so that one pyramid of the error serves both.
  at::Tensor error = video - expected;
  at::Tensor total = at::zeros({}, error.options());
  std::int64_t used = 0;
  while (true) {
    total =
        total + at::diff(error, 1, kRows).abs().mean() + at::diff(error, 1, kColumns).abs().mean();
    if (++used == scales || error.size(kRows) < 4 || error.size(kColumns) < 4) break;
    error = at::avg_pool3d(error, {1, 2, 2});
  }
  return total / (2 * used);
}

VaeLoss vae_loss(const WanVae& vae, const at::Tensor& pixels, const VaeLossOptions& options,
                 const DrawKey& key) {
  options.check();
  const at::Tensor distribution = vae.distribution(pixels).to(at::kFloat);
  const std::vector<at::Tensor> parts = distribution.chunk(2, 1);
  // Bounds of diffusers' DiagonalGaussianDistribution.
  const at::Tensor mean = parts[0], log_variance = parts[1].clamp(-30.0, 20.0);
  const at::Tensor noise = draw_noise(mean.sizes(), key, mean.device(), DrawPurpose::kLatentSample);
  const at::Tensor decoded =
      vae.decode_unclamped(
             (mean + (log_variance * 0.5).exp() * noise).contiguous(pixels.suggest_memory_format()))
          .to(at::kFloat);
  const at::Tensor wanted = pixels.to(decoded.device(), at::kFloat);

  VaeLoss loss;
  if (options.first_frame_weight == 1) {
    loss.absolute = (decoded - wanted).abs().mean();
    loss.edges = edge_difference(decoded, wanted, options.edge_scales);
  } else {
    // Both parts are sums over frames of what grows in proportion to a frame's error.
    const at::Tensor weights =
        frame_weights(wanted.size(kFrames), options.first_frame_weight, wanted.options());
    const at::Tensor weighted = decoded * weights, weighted_wanted = wanted * weights;
    loss.absolute = (weighted - weighted_wanted).abs().mean();
    loss.edges = edge_difference(weighted, weighted_wanted, options.edge_scales);
  }
  loss.divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() * 0.5;
  const at::Tensor squares = (decoded.detach().clamp(-1, 1) - wanted).square();
  loss.mean_square = squares.mean();
  loss.first_mean_square = squares.select(kFrames, 0).mean();
  loss.total = loss.absolute + loss.edges * options.edge_weight +
               loss.divergence * options.divergence_weight;
  loss.absolute = loss.absolute.detach();
  loss.edges = loss.edges.detach();
  loss.divergence = loss.divergence.detach();
  return loss;
}

double psnr(double mean_square) {
  constexpr double kPeakToPeak = 2;
  return 10 * std::log10(kPeakToPeak * kPeakToPeak / mean_square);
}

void LatentStatistics::add(const at::Tensor& latents) {
  RADIAL_REQUIRE(latents.dim() == 5 && latents.numel() > 0,
                 "latents: expected [B, z, f, h, w], got ", latents.sizes());
  const std::int64_t channels = latents.size(1);
  if (!sum_.defined()) sum_ = square_sum_ = at::zeros({channels}, at::kDouble);
  RADIAL_REQUIRE(channels == sum_.numel(), "latents: expected ", sum_.numel(), " channels, got ",
                 latents.sizes());
  const at::Tensor values = latents.detach().to(at::kCPU, at::kDouble);
  const std::vector<std::int64_t> others{0, 2, 3, 4};
  sum_ = sum_ + values.sum(others);
  square_sum_ = square_sum_ + values.square().sum(others);
  count_ += static_cast<double>(latents.numel() / channels);
}

void LatentStatistics::require_batch() const {
  RADIAL_REQUIRE(count_ > 0, "latent statistics: expected a batch of latents first, got none");
}

std::vector<double> LatentStatistics::mean() const {
  require_batch();
  return numbers(sum_ / count_);
}

std::vector<double> LatentStatistics::deviation() const {
  require_batch();
  const at::Tensor mean = sum_ / count_;
  return numbers((square_sum_ / count_ - mean.square()).clamp_min(0).sqrt());
}

}  // namespace radial::video
