#include "video/vae/causal_conv.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/zeros.h>

namespace radial::video {

at::Tensor with_context(const at::Tensor& input, at::Tensor& slot) {
  constexpr std::int64_t kContext = 2;
  if (!slot.defined()) {
    // In the input's memory format, which the concatenation then keeps.
    slot = at::zeros({input.size(0), input.size(1), kContext, input.size(3), input.size(4)},
                     input.options())
               .contiguous(input.suggest_memory_format());
  }
  const at::Tensor whole = at::cat({slot, input}, 2);
  // A copy, so that the slot does not keep the whole chunk in memory.
  slot = whole.narrow(2, whole.size(2) - kContext, kContext).clone();
  return whole;
}

at::Tensor CausalConv::operator()(const at::Tensor& input, FrameCache& cache) const {
  return at::conv3d(with_context(input, cache.next_slot()), weight, bias, /*stride=*/{1, 1, 1},
                    /*padding=*/at::IntArrayRef({0, 1, 1}));
}

CausalConv CausalConv::load(const TensorScope& scope, std::string_view name, std::int64_t out,
                            std::int64_t in) {
  const TensorScope layer = scope / name;
  return {layer.tensor("weight", {out, in, 3, 3, 3}), layer.tensor("bias", {out})};
}

at::Tensor PointConv::operator()(const at::Tensor& input) const {
  return at::conv3d(input, weight, bias);
}

PointConv PointConv::load(const TensorScope& scope, std::string_view name, std::int64_t out,
                          std::int64_t in) {
  const TensorScope layer = scope / name;
  return {layer.tensor("weight", {out, in, 1, 1, 1}), layer.tensor("bias", {out})};
}

at::Tensor frames_as_batch(const at::Tensor& video) { return video.transpose(1, 2).flatten(0, 1); }

at::Tensor batch_as_frames(const at::Tensor& frames, std::int64_t batch) {
  return frames.unflatten(0, {batch, -1}).transpose(1, 2);
}

at::Tensor FrameConv::operator()(const at::Tensor& input) const {
  const std::int64_t margin = weight.size(2) / 2;
  return at::conv2d(input, weight, bias, /*stride=*/{1, 1},
                    /*padding=*/at::IntArrayRef({margin, margin}));
}

at::Tensor FrameConv::halved(const at::Tensor& input) const {
  return at::conv2d(at::constant_pad_nd(input, {0, 1, 0, 1}), weight, bias, /*stride=*/{2, 2});
}

FrameConv FrameConv::load(const TensorScope& scope, std::string_view name, std::int64_t out,
                          std::int64_t in, std::int64_t kernel) {
  const TensorScope layer = scope / name;
  return {layer.tensor("weight", {out, in, kernel, kernel}), layer.tensor("bias", {out})};
}

}  // namespace radial::video
