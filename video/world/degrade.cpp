#include "video/world/degrade.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "radial/base/error.h"

namespace radial::video {

at::Tensor degraded(const at::Tensor& frames, std::uint64_t seed) {
  constexpr std::int64_t kBlock = 8, kRadius = 5;
  constexpr double kBlockLevel = 0.015, kBlur = 1.5, kGain = 0.05, kLevel = 0.02, kNoise = 0.02;
  const bool is_clip = frames.dim() == 4 && frames.size(2) % kBlock == 0 &&
                       frames.size(3) % kBlock == 0 && frames.is_floating_point();
  RADIAL_REQUIRE(is_clip, "frames: expected floats [T, 3, H, W] with multiples of 8, got ",
                 frames.dim(), " dimensions of another kind");
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const std::int64_t height = frames.size(2), width = frames.size(3);
  const at::Tensor blocks =
      at::randn({frames.size(0), frames.size(1), height / kBlock, width / kBlock}, generator,
                frames.options()) *
      kBlockLevel;
  const at::Tensor blocky =
      frames + blocks.repeat_interleave(kBlock, 2).repeat_interleave(kBlock, 3);

  const at::Tensor offsets = at::arange(-kRadius, kRadius + 1, frames.options());
  at::Tensor kernel = (offsets * offsets * (-1 / (2 * kBlur * kBlur))).exp();
  kernel = kernel / kernel.sum();
  at::Tensor planes = blocky.reshape({-1, 1, height, width});
  planes = at::replication_pad2d(planes, {kRadius, kRadius, kRadius, kRadius});
  planes = at::conv2d(planes, kernel.view({1, 1, -1, 1}));
  planes = at::conv2d(planes, kernel.view({1, 1, 1, -1}));

  const std::vector<std::int64_t> channel{1, frames.size(1), 1, 1};
  const at::Tensor gain =
      at::rand(channel, generator, frames.options()) * (2 * kGain) + (1 - kGain);
  const at::Tensor level = at::rand(channel, generator, frames.options()) * (2 * kLevel) - kLevel;
  const at::Tensor noise = at::randn(frames.sizes(), generator, frames.options()) * kNoise;
  return (planes.reshape(frames.sizes()) * gain + level + noise).clamp(0, 1);
}

}  // namespace radial::video
