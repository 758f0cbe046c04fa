#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "video/train/flow_matching.h"
#include "video/vae/wan_vae.h"

namespace radial::video {

struct VaeLossOptions {
  double divergence_weight = 1e-6;
  double edge_weight = 0.5;
  std::int64_t edge_scales = 3;  ///< full size, half, quarter, ...
  /// Of the first frame, which has a latent frame of its own, against 1 of every other one.
  double first_frame_weight = 1;

  /// Throws InvalidArgument for a weight below 0, of the first frame also for 0, or a number of
  /// scales outside [1, 6].
  void check() const;
};

/// Scalars of one batch, float32. `total` has gradients, the others are its parts for a log.
struct VaeLoss {
  at::Tensor total;
  at::Tensor absolute;  ///< mean |decoded - pixels|, frames weighted as the options say
  at::Tensor edges;     ///< mean difference of neighbours' differences, over the scales
  at::Tensor
      divergence;  ///< mean Kullback-Leibler divergence from the standard normal, per element
  at::Tensor mean_square;        ///< mean (decoded - pixels)^2 after the clamp to [-1, 1]; see psnr
  at::Tensor first_mean_square;  ///< the same of the first frame alone
};

/// The loss of an auto-encoder on pixels [B, 3, 4k + 1, 8h, 8w] in [-1, 1]: absolute differences,
/// edges and a little divergence, so that latents stay near the standard normal. The latents are
/// drawn from their distribution by the numbers of `key`. Of an encoder whose weights require no
/// gradients, `total` has none either.
VaeLoss vae_loss(const WanVae& vae, const at::Tensor& pixels, const VaeLossOptions& options,
                 const DrawKey& key);

/// Mean absolute difference between how two videos [B, C, F, H, W] change from pixel to pixel along
/// rows and columns, averaged over `scales` sizes, each half of the one before. Absolute
/// differences alone settle on blur, which this sees. Sizes that no longer have two pixels a side
/// are left out.
at::Tensor edge_difference(const at::Tensor& video, const at::Tensor& expected,
                           std::int64_t scales);

/// Peak signal-to-noise ratio in dB of a mean square error of values in [-1, 1].
double psnr(double mean_square);

/// Mean and standard deviation of each channel of latents [B, z, f, h, w] over many batches: the
/// `latents_mean` and `latents_std` of a VAE's config.
class LatentStatistics {
 public:
  /// Of [B, z, f, h, w]. Throws InvalidArgument for another shape or another number of channels
  /// than before.
  void add(const at::Tensor& latents);

  /// [z]. Throw InvalidArgument before the first batch.
  std::vector<double> mean() const;
  std::vector<double> deviation() const;

 private:
  void require_batch() const;

  at::Tensor sum_, square_sum_;  // [z] float64 on the CPU
  double count_ = 0;
};

}  // namespace radial::video
