#pragma once

#include <ATen/core/Tensor.h>

namespace radial::video {

/// Peak signal-to-noise ratio in dB of frames [F, C, H, W] in [0, 1]: that of the mean square error
/// over all values; infinite if they are equal. Throws InvalidArgument unless the shapes are equal.
double psnr_of_frames(const at::Tensor& frames, const at::Tensor& expected);

/// Structural similarity (Wang et al. 2004) of frames [F, C, H, W] in [0, 1]: 11 x 11 Gaussian
/// windows of standard deviation 1.5 within the picture, K1 = 0.01, K2 = 0.03, population
/// variances, the mean over windows, channels and frames. Throws InvalidArgument unless the shapes
/// are equal and sides have 11 pixels or more.
double ssim_of_frames(const at::Tensor& frames, const at::Tensor& expected);

}  // namespace radial::video
