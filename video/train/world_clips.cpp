#include "video/train/world_clips.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "radial/base/error.h"
#include "video/world/counter_random.h"

namespace radial::video {

void WorldClipsOptions::check() const {
  RADIAL_REQUIRE(count >= 1, "clips: expected 1 or more, got ", count);
  RADIAL_REQUIRE(at_first >= 1, "at_first: expected 1 or more, got ", at_first);
}

at::Tensor bytes_of_pixels(const at::Tensor& pixels) {
  return ((pixels.clamp(-1, 1) + 1) * 127.5).round_().to(at::kByte);
}

at::Tensor pixels_of_bytes(const at::Tensor& bytes, at::MemoryFormat format) {
  return bytes.to(at::kFloat).contiguous(format).mul_(1 / 127.5).sub_(1);
}

WorldClips::WorldClips(const WorldClipsOptions& options) : options_(options) { options_.check(); }

Scene WorldClips::scene(std::int64_t index) const {
  return sample_training_scene(options_.seed, static_cast<std::uint64_t>(index));
}

std::int64_t WorldClips::available(std::int64_t step) const {
  return std::min(options_.count, options_.at_first + step);
}

const at::Tensor& WorldClips::bytes(std::int64_t index) {
  while (static_cast<std::int64_t>(clips_.size()) <= index) {
    const Scene next = scene(static_cast<std::int64_t>(clips_.size()));
    clips_.push_back(bytes_of_pixels(render({next}, options_.size, options_.device)[0]));
  }
  return clips_[static_cast<std::size_t>(index)];
}

at::Tensor WorldClips::clip(std::int64_t index, at::MemoryFormat format) {
  const at::NoGradGuard no_gradients;
  return pixels_of_bytes(bytes(index).unsqueeze(0), format);
}

at::Tensor WorldClips::batch(const CutSize& cut, std::int64_t count, std::int64_t step,
                             at::MemoryFormat format) {
  const ClipSize& size = options_.size;
  RADIAL_REQUIRE(cut.frames >= 1 && cut.frames <= size.num_frames && cut.height >= 1 &&
                     cut.height <= size.height && cut.width >= 1 && cut.width <= size.width,
                 "cut: expected at most ", size.num_frames, " frames of ", size.height, " x ",
                 size.width, ", got ", cut.frames, " of ", cut.height, " x ", cut.width);
  const at::NoGradGuard no_gradients;
  at::Tensor pixels =
      at::empty({count, 3, cut.frames, cut.height, cut.width},
                at::TensorOptions(options_.device).dtype(at::kFloat).memory_format(format));
  const std::int64_t clips = available(step);
  for (std::int64_t i = 0; i < count; ++i) {
    CounterRandom random(CounterRandom::mixed(options_.seed + 1),
                         static_cast<std::uint64_t>(step * count + i));
    const auto below = [&random](std::int64_t bound) {
      return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound)));
    };
    const at::Tensor& clip = bytes(below(clips));
    const std::int64_t first = below(size.num_frames - cut.frames + 1);
    const std::int64_t top = below(size.height - cut.height + 1);
    const std::int64_t left = below(size.width - cut.width + 1);
    pixels[i].copy_(
        clip.narrow(1, first, cut.frames).narrow(2, top, cut.height).narrow(3, left, cut.width));
  }
  return pixels.mul_(1 / 127.5).sub_(1);
}

}  // namespace radial::video
