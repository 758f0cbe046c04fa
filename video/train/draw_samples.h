#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "video/train/flow_loss.h"

namespace radial::video {

/// How samples are drawn to look at during a training.
struct SampleOptions {
  int num_steps = 20;     ///< of Euler's method
  double guidance = 4;    ///< away from the empty caption
  double flow_shift = 3;  ///< of the noise levels
  std::uint64_t seed = 0;
};

/// Normalised latents [B, C, F, H, W] of `captions`, on the model's device; `shape` is [C, F, H,
/// W]. The initial noise is drawn on the CPU: a seed means the same clip from one model to the
/// next.
at::Tensor draw_samples(const DitModel& model, const std::vector<CaptionTokens>& captions,
                        const CaptionTokens& empty_caption, const std::vector<std::int64_t>& shape,
                        const SampleOptions& options);

}  // namespace radial::video
