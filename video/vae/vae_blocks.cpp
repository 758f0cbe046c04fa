#include "video/vae/vae_blocks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <vector>

#include "radial/base/error.h"

namespace radial::video {

// The sum of squares is taken in float32 at least, its root rounded to the input's type, as
// diffusers' autoencoder_kl_wan.py has it by torch.nn.functional.normalize: no wide copy of the
// input and fewer passes through memory.
at::Tensor ChannelNorm::operator()(const at::Tensor& input) const {
  const at::ScalarType wide = at::promote_types(input.scalar_type(), at::kFloat);
  // float16 has no 1e-12: the length of zeros would be 0.
  const double least = input.scalar_type() == at::kHalf ? 1e-7 : 1e-12;
  const at::Tensor length =
      at::linalg_vector_norm(input, 2, at::IntArrayRef({1}), /*keepdim=*/true, wide)
          .clamp_min(least)
          .to(input.scalar_type());
  const double scale = std::sqrt(static_cast<double>(input.size(1)));
  return input / length * (gamma * scale);
}

ChannelNorm ChannelNorm::load(const TensorScope& scope, std::string_view name,
                              std::int64_t channels, bool pictures) {
  const TensorScope norm = scope / name;
  return {pictures ? norm.tensor("gamma", {channels, 1, 1})
                   : norm.tensor("gamma", {channels, 1, 1, 1})};
}

ResidualBlock::ResidualBlock(const TensorScope& scope, std::int64_t in, std::int64_t out)
    : norm1_(ChannelNorm::load(scope, "norm1", in)),
      norm2_(ChannelNorm::load(scope, "norm2", out)),
      conv1_(CausalConv::load(scope, "conv1", out, in)),
      conv2_(CausalConv::load(scope, "conv2", out, out)) {
  if (in != out) shortcut_ = PointConv::load(scope, "conv_shortcut", out, in);
}

at::Tensor ResidualBlock::forward(const at::Tensor& input, FrameCache& cache) const {
  const at::Tensor inner = conv1_(at::silu(norm1_(input)), cache);
  const at::Tensor branch = conv2_(at::silu(norm2_(inner)), cache);
  return branch + (shortcut_ ? (*shortcut_)(input) : input);
}

FrameAttention::FrameAttention(const TensorScope& scope, std::int64_t channels)
    : norm_(ChannelNorm::load(scope, "norm", channels, /*pictures=*/true)),
      qkv_(FrameConv::load(scope, "to_qkv", 3 * channels, channels, 1)),
      out_(FrameConv::load(scope, "proj", channels, channels, 1)) {}

at::Tensor FrameAttention::forward(const at::Tensor& input) const {
  const at::Tensor frames = frames_as_batch(input);
  // [B F, 3C, H, W] -> three of [B F, 1, H W, C].
  const std::vector<at::Tensor> parts =
      qkv_(norm_(frames)).flatten(2).transpose(1, 2).unsqueeze(1).contiguous().chunk(3, -1);
  const at::Tensor attended = at::scaled_dot_product_attention(parts[0], parts[1], parts[2])
                                  .squeeze(1)
                                  .transpose(1, 2)
                                  .reshape(frames.sizes());
  return input + batch_as_frames(out_(attended), input.size(0));
}

MiddleBlock::MiddleBlock(const TensorScope& scope, std::int64_t channels)
    : first_(scope / "resnets.0", channels, channels),
      attention_(scope / "attentions.0", channels),
      second_(scope / "resnets.1", channels, channels) {}

at::Tensor MiddleBlock::forward(const at::Tensor& input, FrameCache& cache) const {
  return second_.forward(attention_.forward(first_.forward(input, cache)), cache);
}

Downsample::Downsample(const TensorScope& scope, std::int64_t channels, bool temporal)
    : conv_(FrameConv::load(scope, "resample.1", channels, channels, 3)) {
  if (temporal) {
    time_weight_ = scope.tensor("time_conv.weight", {channels, channels, 3, 1, 1});
    time_bias_ = scope.tensor("time_conv.bias", {channels});
  }
}

at::Tensor Downsample::forward(const at::Tensor& input, FrameCache& cache) const {
  const at::Tensor small = batch_as_frames(conv_.halved(frames_as_batch(input)), input.size(0));
  return time_weight_.defined() ? halve_frames(small, cache.next_slot()) : small;
}

// The first frame stays; then windows of three frames, every second one, the first window starting
// at the first frame. The slot holds the frame that the next window starts at.
at::Tensor Downsample::halve_frames(const at::Tensor& frames, at::Tensor& slot) const {
  std::vector<at::Tensor> parts;
  at::Tensor windows = slot.defined() ? at::cat({slot, frames}, 2) : frames;
  RADIAL_REQUIRE(windows.size(2) % 2 == 1, "pixels: expected 4k + 1 frames, in chunks of 1 + 4k");
  if (!slot.defined()) parts.push_back(frames.narrow(2, 0, 1));
  slot = windows.narrow(2, windows.size(2) - 1, 1).clone();
  if (windows.size(2) > 1) {
    parts.push_back(at::conv3d(windows, time_weight_, time_bias_, /*stride=*/{2, 1, 1}));
  }
  return at::cat(parts, 2);
}

Upsample::Upsample(const TensorScope& scope, std::int64_t channels, bool temporal)
    : conv_(FrameConv::load(scope, "resample.1", channels / 2, channels, 3)) {
  if (temporal) {
    time_weight_ = scope.tensor("time_conv.weight", {2 * channels, channels, 3, 1, 1});
    time_bias_ = scope.tensor("time_conv.bias", {2 * channels});
  }
}

at::Tensor Upsample::forward(const at::Tensor& input, FrameCache& cache) const {
  const at::Tensor longer =
      time_weight_.defined() ? double_frames(input, cache.next_slot()) : input;
  const at::Tensor frames = frames_as_batch(longer);
  const at::Tensor larger =
      at::upsample_nearest2d(frames, {2 * frames.size(2), 2 * frames.size(3)});
  return batch_as_frames(conv_(larger), input.size(0));
}

// The first frame stays and is not seen by the time convolution of the later ones: they see zeros.
at::Tensor Upsample::double_frames(const at::Tensor& frames, at::Tensor& slot) const {
  std::vector<at::Tensor> parts;
  at::Tensor rest = frames;
  if (!slot.defined()) {
    parts.push_back(frames.narrow(2, 0, 1));
    rest = frames.narrow(2, 1, frames.size(2) - 1);
  }
  const at::Tensor with_past = with_context(rest, slot);
  if (rest.size(2) > 0) {
    const at::Tensor both = at::conv3d(with_past, time_weight_, time_bias_);  // [B, 2C, F, H, W]
    const std::vector<at::Tensor> halves = both.chunk(2, 1);  // the earlier frame, the later one
    parts.push_back(at::stack({halves[0], halves[1]}, 3)
                        .flatten(2, 3)
                        .contiguous(frames.suggest_memory_format()));
  }
  return at::cat(parts, 2);
}

}  // namespace radial::video
