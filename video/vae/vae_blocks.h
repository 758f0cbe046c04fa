#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "video/checkpoint/tensor_source.h"
#include "video/vae/causal_conv.h"
#include "video/vae/frame_cache.h"

namespace radial::video {

// Parts of the Wan 2.1 VAE. All take and give [B, C, F, H, W].

/// x / |x| * sqrt(C) * gamma, the norm over channels.
struct ChannelNorm {
  at::Tensor gamma;  // [C, 1, 1, 1], or [C, 1, 1] for pictures

  at::Tensor operator()(const at::Tensor& input) const;
  static ChannelNorm load(const TensorScope& scope, std::string_view name, std::int64_t channels,
                          bool pictures = false);
};

/// Norm, SiLU and causal convolution, twice, around a shortcut.
class ResidualBlock {
 public:
  ResidualBlock(const TensorScope& scope, std::int64_t in, std::int64_t out);
  at::Tensor forward(const at::Tensor& input, FrameCache& cache) const;

 private:
  ChannelNorm norm1_, norm2_;
  CausalConv conv1_, conv2_;
  std::optional<PointConv> shortcut_;
};

/// Each frame's pixels attend to each other, one head of the full width.
class FrameAttention {
 public:
  FrameAttention(const TensorScope& scope, std::int64_t channels);
  at::Tensor forward(const at::Tensor& input) const;

 private:
  ChannelNorm norm_;
  FrameConv qkv_, out_;
};

/// Residual block, attention, residual block: the narrowest place of encoder and decoder.
class MiddleBlock {
 public:
  MiddleBlock(const TensorScope& scope, std::int64_t channels);
  at::Tensor forward(const at::Tensor& input, FrameCache& cache) const;

 private:
  ResidualBlock first_;
  FrameAttention attention_;
  ResidualBlock second_;
};

/// Rows and columns halved; in time, all frames after the first two to one.
class Downsample {
 public:
  Downsample(const TensorScope& scope, std::int64_t channels, bool temporal);
  at::Tensor forward(const at::Tensor& input, FrameCache& cache) const;

 private:
  at::Tensor halve_frames(const at::Tensor& frames, at::Tensor& slot) const;

  FrameConv conv_;
  at::Tensor time_weight_, time_bias_;  // [C, C, 3, 1, 1]; undefined without time
};

/// Rows and columns doubled, channels halved; in time, each frame but the first becomes two.
class Upsample {
 public:
  Upsample(const TensorScope& scope, std::int64_t channels, bool temporal);
  at::Tensor forward(const at::Tensor& input, FrameCache& cache) const;

 private:
  at::Tensor double_frames(const at::Tensor& frames, at::Tensor& slot) const;

  FrameConv conv_;
  at::Tensor time_weight_, time_bias_;  // [2C, C, 3, 1, 1]; undefined without time
};

}  // namespace radial::video
