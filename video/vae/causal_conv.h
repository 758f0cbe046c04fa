#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "video/checkpoint/tensor_source.h"
#include "video/vae/frame_cache.h"

namespace radial::video {

/// Convolution over frames, rows and columns that sees no later frame: 3 x 3 x 3, zeros before the
/// first frame and around each frame. Input [B, C, F, H, W].
struct CausalConv {
  at::Tensor weight;  // [out, in, 3, 3, 3]
  at::Tensor bias;    // [out]

  at::Tensor operator()(const at::Tensor& input, FrameCache& cache) const;
  static CausalConv load(const TensorScope& scope, std::string_view name, std::int64_t out,
                         std::int64_t in);
};

/// 1 x 1 x 1 convolution.
struct PointConv {
  at::Tensor weight;  // [out, in, 1, 1, 1]
  at::Tensor bias;    // [out]

  at::Tensor operator()(const at::Tensor& input) const;
  static PointConv load(const TensorScope& scope, std::string_view name, std::int64_t out,
                        std::int64_t in);
};

/// Convolution of each frame alone, [out, in, k, k].
struct FrameConv {
  at::Tensor weight;
  at::Tensor bias;

  /// Zeros of half the kernel on every side.
  at::Tensor operator()(const at::Tensor& input) const;
  /// Stride 2, a row of zeros below and a column of zeros to the right.
  at::Tensor halved(const at::Tensor& input) const;
  static FrameConv load(const TensorScope& scope, std::string_view name, std::int64_t out,
                        std::int64_t in, std::int64_t kernel);
};

/// Frames as a batch of pictures, [B, C, F, H, W] -> [B F, C, H, W], and back.
at::Tensor frames_as_batch(const at::Tensor& video);
at::Tensor batch_as_frames(const at::Tensor& frames, std::int64_t batch);

/// Two frames of context in front of `input` [B, C, F, H, W]: those in the slot, zeros if it is
/// undefined; the slot then holds the last two frames of the result.
at::Tensor with_context(const at::Tensor& input, at::Tensor& slot);

}  // namespace radial::video
