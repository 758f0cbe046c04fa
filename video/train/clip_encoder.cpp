#include "video/train/clip_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <string>
#include <utility>

#include "radial/base/error.h"

namespace radial::video {

ClipEncoder::ClipEncoder(const WanVae& vae, const ClipSize& size, at::Device device)
    : vae_(vae), size_(size), device_(device) {
  if (!vae.has_encoder()) {
    throw Unsupported("vae: expected one with an encoder, got a decoder alone");
  }
  const std::int64_t spatial = vae.spatial_compression(), temporal = vae.temporal_compression();
  RADIAL_REQUIRE(size.width > 0 && size.width % spatial == 0, "width: expected a multiple of ",
                 spatial, ", got ", size.width);
  RADIAL_REQUIRE(size.height > 0 && size.height % spatial == 0, "height: expected a multiple of ",
                 spatial, ", got ", size.height);
  RADIAL_REQUIRE(size.num_frames > 0 && (size.num_frames - 1) % temporal == 0,
                 "num-frames: expected ", temporal, "k + 1, got ", size.num_frames);
}

std::vector<std::int64_t> ClipEncoder::latent_shape() const {
  return {vae_.config().z_dim, (size_.num_frames - 1) / vae_.temporal_compression() + 1,
          size_.height / vae_.spatial_compression(), size_.width / vae_.spatial_compression()};
}

LatentClips ClipEncoder::encode(std::vector<Scene> scenes) const {
  const at::NoGradGuard no_grad;
  at::Tensor pixels = render(scenes, size_, device_);
  // The order that convolutions on a GPU are fast in; it does not change what comes out.
  if (!device_.is_cpu()) pixels = pixels.contiguous(at::MemoryFormat::ChannelsLast3d);
  const at::Tensor means = vae_.encode(pixels, {.chunk_frames = 0});
  return {.latents = vae_.normalized(means).to(at::kBFloat16), .scenes = std::move(scenes)};
}

LatentClips ClipEncoder::encode_training(std::uint64_t seed, std::uint64_t first,
                                         std::int64_t count) const {
  std::vector<Scene> scenes;
  for (std::int64_t i = 0; i < count; ++i) {
    scenes.push_back(sample_training_scene(seed, first + static_cast<std::uint64_t>(i)));
  }
  return encode(std::move(scenes));
}

}  // namespace radial::video
