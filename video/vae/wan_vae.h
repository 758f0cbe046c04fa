#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "video/checkpoint/model_config.h"
#include "video/checkpoint/tensor_source.h"
#include "video/vae/vae_blocks.h"

namespace radial::video {

/// Pixels to the parameters of the latents' distribution.
class VaeEncoder {
 public:
  VaeEncoder(const WanVaeConfig& config, const TensorScope& scope);
  /// [B, 3, F, 8h, 8w] -> [B, 2 z, f, h, w].
  at::Tensor forward(const at::Tensor& pixels, FrameCache& cache) const;

 private:
  struct Stage {
    std::vector<ResidualBlock> blocks;
    std::optional<Downsample> downsample;
  };
  CausalConv conv_in_;
  std::vector<Stage> stages_;
  MiddleBlock middle_;
  ChannelNorm norm_out_;
  CausalConv conv_out_;
};

/// Latents to pixels.
class VaeDecoder {
 public:
  VaeDecoder(const WanVaeConfig& config, const TensorScope& scope);
  /// [B, z, f, h, w] -> [B, 3, F, 8h, 8w].
  at::Tensor forward(const at::Tensor& latents, FrameCache& cache) const;

 private:
  struct Stage {
    std::vector<ResidualBlock> blocks;
    std::optional<Upsample> upsample;
  };
  CausalConv conv_in_;
  MiddleBlock middle_;
  std::vector<Stage> stages_;
  ChannelNorm norm_out_;
  CausalConv conv_out_;
};

/// Rows and columns in overlapping tiles, blended linearly where they overlap. Sizes in pixels,
/// multiples of the spatial compression.
struct VaeTiling {
  std::int64_t tile_height = 256, tile_width = 256;
  std::int64_t stride_height = 192, stride_width = 192;
};

/// How a video passes through the VAE. What comes out does not depend on the chunk; tiles change
/// values near their edges.
struct VaePass {
  /// Latent frames at a time; 0 takes the whole video at once.
  std::int64_t chunk_frames = 1;
  std::optional<VaeTiling> tiling = {};
};

/// The causal video auto-encoder of Wan 2.1. Latents here are as the encoder gives them;
/// `normalized` and `denormalized` turn them into what the transformer works on, and back.
class WanVae {
 public:
  /// Takes the decoder and, where the source has one, the encoder.
  WanVae(const WanVaeConfig& config, TensorSource& source);

  const WanVaeConfig& config() const { return config_; }
  bool has_encoder() const { return encoder_.has_value(); }
  std::int64_t spatial_compression() const { return spatial_; }
  std::int64_t temporal_compression() const { return temporal_; }

  /// [B, z, f, h, w] -> [B, 3, 4 (f - 1) + 1, 8h, 8w] in [-1, 1].
  at::Tensor decode(const at::Tensor& latents, const VaePass& pass = {}) const;
  /// Pixels [B, 3, 4k + 1, 8h, 8w] in [-1, 1] -> the mean of their latents [B, z, k + 1, h, w].
  /// Throws InvalidArgument on other sizes, Unsupported without an encoder.
  at::Tensor encode(const at::Tensor& pixels, const VaePass& pass = {}) const;

  /// What training needs, in one pass: mean and log-variance of the latents, [B, 2 z, k + 1, h, w].
  /// Takes and throws what `encode` does.
  at::Tensor distribution(const at::Tensor& pixels) const;
  /// As `decode`, in one pass and without its clamp, whose gradient is zero outside [-1, 1].
  at::Tensor decode_unclamped(const at::Tensor& latents) const;

  at::Tensor normalized(const at::Tensor& latents) const;    // (z - mean) / std
  at::Tensor denormalized(const at::Tensor& latents) const;  // z * std + mean

 private:
  at::Tensor decode_tile(const at::Tensor& latents, std::int64_t chunk) const;
  at::Tensor encode_tile(const at::Tensor& pixels, std::int64_t chunk) const;
  at::Tensor latents_input(const at::Tensor& latents) const;
  at::Tensor pixels_input(const at::Tensor& pixels) const;
  void check_tiling(const VaeTiling& tiling) const;

  WanVaeConfig config_;
  std::int64_t spatial_ = 1, temporal_ = 1;
  std::optional<VaeEncoder> encoder_;
  std::optional<PointConv> encoder_out_;
  PointConv decoder_in_;
  VaeDecoder decoder_;
  at::Tensor mean_, std_;  // [1, z, 1, 1, 1] float32
};

}  // namespace radial::video
