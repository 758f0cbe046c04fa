#include "video/vae/wan_vae.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <string>

#include "radial/base/error.h"
#include "video/nn/interruption.h"
#include "video/vae/tiled_pass.h"

namespace radial::video {
namespace {

std::int64_t power_of_two(std::int64_t exponent) { return std::int64_t{1} << exponent; }

at::Tensor statistics(const std::vector<double>& values, at::Device device) {
  return at::tensor(values, at::kFloat).view({1, -1, 1, 1, 1}).to(device);
}

}  // namespace

VaeEncoder::VaeEncoder(const WanVaeConfig& config, const TensorScope& scope)
    : conv_in_(CausalConv::load(scope, "conv_in", config.base_dim, config.in_channels)),
      middle_(scope / "mid_block", config.base_dim * config.dim_mult.back()),
      norm_out_(ChannelNorm::load(scope, "norm_out", config.base_dim * config.dim_mult.back())),
      conv_out_(CausalConv::load(scope, "conv_out", 2 * config.z_dim,
                                 config.base_dim * config.dim_mult.back())) {
  // Blocks and downsamplers stand in one flat list.
  int place = 0;
  const auto next = [&] { return scope / ("down_blocks." + std::to_string(place++)); };
  std::int64_t channels = config.base_dim;
  for (std::size_t i = 0; i < config.dim_mult.size(); ++i) {
    const std::int64_t out = config.base_dim * config.dim_mult[i];
    Stage stage;
    for (std::int64_t block = 0; block < config.num_res_blocks; ++block, channels = out) {
      stage.blocks.emplace_back(next(), channels, out);
    }
    if (i + 1 < config.dim_mult.size()) {
      stage.downsample.emplace(next(), out, config.temporal_downsample[i]);
    }
    stages_.push_back(std::move(stage));
  }
}

at::Tensor VaeEncoder::forward(const at::Tensor& pixels, FrameCache& cache) const {
  at::Tensor state = conv_in_(pixels, cache);
  for (const Stage& stage : stages_) {
    for (const ResidualBlock& block : stage.blocks) {
      stop_if_requested();
      state = block.forward(state, cache);
    }
    if (stage.downsample) state = stage.downsample->forward(state, cache);
  }
  state = middle_.forward(state, cache);
  return conv_out_(at::silu(norm_out_(state)), cache);
}

VaeDecoder::VaeDecoder(const WanVaeConfig& config, const TensorScope& scope)
    : conv_in_(CausalConv::load(scope, "conv_in", config.decoder_base_dim * config.dim_mult.back(),
                                config.z_dim)),
      middle_(scope / "mid_block", config.decoder_base_dim * config.dim_mult.back()),
      norm_out_(
          ChannelNorm::load(scope, "norm_out", config.decoder_base_dim * config.dim_mult.front())),
      conv_out_(CausalConv::load(scope, "conv_out", config.out_channels,
                                 config.decoder_base_dim * config.dim_mult.front())) {
  const std::size_t count = config.dim_mult.size();
  std::int64_t channels = config.decoder_base_dim * config.dim_mult.back();
  for (std::size_t i = 0; i < count; ++i) {
    const TensorScope up = scope / ("up_blocks." + std::to_string(i));
    const std::int64_t out = config.decoder_base_dim * config.dim_mult[count - 1 - i];
    Stage stage;
    for (std::int64_t block = 0; block <= config.num_res_blocks; ++block, channels = out) {
      stage.blocks.emplace_back(up / ("resnets." + std::to_string(block)), channels, out);
    }
    if (i + 1 < count) {
      // The stages run the other way round than the encoder's.
      stage.upsample.emplace(up / "upsamplers.0", out, config.temporal_downsample[count - 2 - i]);
      channels = out / 2;
    }
    stages_.push_back(std::move(stage));
  }
}

at::Tensor VaeDecoder::forward(const at::Tensor& latents, FrameCache& cache) const {
  at::Tensor state = middle_.forward(conv_in_(latents, cache), cache);
  for (const Stage& stage : stages_) {
    for (const ResidualBlock& block : stage.blocks) {
      stop_if_requested();
      state = block.forward(state, cache);
    }
    if (stage.upsample) state = stage.upsample->forward(state, cache);
  }
  return conv_out_(at::silu(norm_out_(state)), cache);
}

WanVae::WanVae(const WanVaeConfig& config, TensorSource& source)
    : config_(config),
      spatial_(power_of_two(static_cast<std::int64_t>(config.dim_mult.size()) - 1)),
      temporal_(power_of_two(
          std::count(config.temporal_downsample.begin(), config.temporal_downsample.end(), true))),
      decoder_in_(
          PointConv::load(TensorScope(source), "post_quant_conv", config.z_dim, config.z_dim)),
      decoder_(config, TensorScope(source) / "decoder") {
  if (source.has("encoder.conv_in.weight")) {
    encoder_.emplace(config, TensorScope(source) / "encoder");
    encoder_out_ =
        PointConv::load(TensorScope(source), "quant_conv", 2 * config.z_dim, 2 * config.z_dim);
  }
  mean_ = statistics(config.latents_mean, decoder_in_.weight.device());
  std_ = statistics(config.latents_std, decoder_in_.weight.device());
}

at::Tensor WanVae::normalized(const at::Tensor& latents) const { return (latents - mean_) / std_; }

at::Tensor WanVae::denormalized(const at::Tensor& latents) const { return latents * std_ + mean_; }

void WanVae::check_tiling(const VaeTiling& tiling) const {
  const bool fits = tiling.stride_height > 0 && tiling.stride_width > 0 &&
                    tiling.stride_height <= tiling.tile_height &&
                    tiling.stride_width <= tiling.tile_width &&
                    tiling.tile_height % spatial_ == 0 && tiling.tile_width % spatial_ == 0 &&
                    tiling.stride_height % spatial_ == 0 && tiling.stride_width % spatial_ == 0;
  RADIAL_REQUIRE(fits, "tiling: expected strides up to the tile, all multiples of ", spatial_,
                 ", got tiles ", tiling.tile_height, " x ", tiling.tile_width, ", strides ",
                 tiling.stride_height, " x ", tiling.stride_width);
}

at::Tensor WanVae::decode_tile(const at::Tensor& latents, std::int64_t chunk) const {
  // Not every implementation of a 1 x 1 x 1 convolution keeps the memory format.
  const at::Tensor input = decoder_in_(latents).contiguous(latents.suggest_memory_format());
  FrameCache cache;
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < input.size(2); first += chunk) {
    cache.rewind();
    const std::int64_t count = std::min(chunk, input.size(2) - first);
    parts.push_back(decoder_.forward(input.narrow(2, first, count), cache));
  }
  return at::cat(parts, 2);
}

// As the network takes them, after the checks.
at::Tensor WanVae::latents_input(const at::Tensor& latents) const {
  RADIAL_REQUIRE(latents.dim() == 5 && latents.size(1) == config_.z_dim && latents.numel() > 0,
                 "latents: expected [B, ", config_.z_dim, ", F, H, W], got ", latents.sizes());
  return latents.to(decoder_in_.weight.device(), decoder_in_.weight.scalar_type());
}

at::Tensor WanVae::decode_unclamped(const at::Tensor& latents) const {
  const at::Tensor input = latents_input(latents);
  return decode_tile(input, input.size(2));
}

at::Tensor WanVae::decode(const at::Tensor& latents, const VaePass& pass) const {
  const at::Tensor input = latents_input(latents);
  const std::int64_t chunk = pass.chunk_frames > 0 ? pass.chunk_frames : input.size(2);
  const auto body = [&](const at::Tensor& tile) { return decode_tile(tile, chunk); };
  // The result of a pass is nobody else's: clamping it in place spares a copy of the video.
  if (!pass.tiling) return body(input).clamp_(-1, 1);
  check_tiling(*pass.tiling);
  const VaeTiling& t = *pass.tiling;
  const TileSizes pixels{t.tile_height, t.tile_width, t.stride_height, t.stride_width};
  const TileSizes cells{t.tile_height / spatial_, t.tile_width / spatial_,
                        t.stride_height / spatial_, t.stride_width / spatial_};
  if (input.size(3) <= cells.height && input.size(4) <= cells.width)
    return body(input).clamp_(-1, 1);
  return tiled_pass(input, cells, pixels, body).clamp_(-1, 1);
}

at::Tensor WanVae::encode_tile(const at::Tensor& pixels, std::int64_t chunk) const {
  FrameCache cache;
  std::vector<at::Tensor> parts;
  // The first latent frame stands for one frame of pixels, each later one for four.
  for (std::int64_t first = 0; first < pixels.size(2);) {
    cache.rewind();
    const std::int64_t wanted = first == 0 ? 1 + (chunk - 1) * temporal_ : chunk * temporal_;
    const std::int64_t count = std::min(wanted, pixels.size(2) - first);
    parts.push_back(encoder_->forward(pixels.narrow(2, first, count), cache));
    first += count;
  }
  return (*encoder_out_)(at::cat(parts, 2));
}

at::Tensor WanVae::pixels_input(const at::Tensor& pixels) const {
  if (!encoder_) throw Unsupported("vae: expected one with an encoder, got a decoder alone");
  const bool fits = pixels.dim() == 5 && pixels.numel() > 0 &&
                    pixels.size(1) == config_.in_channels &&
                    pixels.size(2) % temporal_ == 1 % temporal_ && pixels.size(3) % spatial_ == 0 &&
                    pixels.size(4) % spatial_ == 0;
  RADIAL_REQUIRE(fits, "pixels: expected [B, ", config_.in_channels, ", ", temporal_, "k + 1, ",
                 spatial_, "h, ", spatial_, "w], got ", pixels.sizes());
  return pixels.to(decoder_in_.weight.device(), decoder_in_.weight.scalar_type());
}

at::Tensor WanVae::distribution(const at::Tensor& pixels) const {
  const at::Tensor input = pixels_input(pixels);
  return encode_tile(input, input.size(2));
}

at::Tensor WanVae::encode(const at::Tensor& pixels, const VaePass& pass) const {
  const at::Tensor input = pixels_input(pixels);
  const std::int64_t chunk = pass.chunk_frames > 0 ? pass.chunk_frames : input.size(2);
  const auto body = [&](const at::Tensor& tile) {
    return encode_tile(tile, chunk).narrow(1, 0, config_.z_dim);
  };
  if (!pass.tiling) return body(input);
  check_tiling(*pass.tiling);
  const VaeTiling& t = *pass.tiling;
  const TileSizes whole{t.tile_height, t.tile_width, t.stride_height, t.stride_width};
  const TileSizes cells{t.tile_height / spatial_, t.tile_width / spatial_,
                        t.stride_height / spatial_, t.stride_width / spatial_};
  if (input.size(3) <= whole.height && input.size(4) <= whole.width) return body(input);
  return tiled_pass(input, whole, cells, body);
}

}  // namespace radial::video
