#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "video/vae/wan_vae.h"
#include "video/world/render.h"
#include "video/world/scene.h"

namespace radial::video {

/// Clips as a transformer learns from them: normalised mean latents, and what they show.
struct LatentClips {
  at::Tensor latents;  ///< [N, C, F, H, W]
  std::vector<Scene> scenes;
};

/// Draws clips of the synthetic world and encodes them.
class ClipEncoder {
 public:
  /// `vae` must outlive the encoder and lie on `device`. Throws InvalidArgument for a size that the
  /// VAE does not take, Unsupported for a VAE without an encoder.
  ClipEncoder(const WanVae& vae, const ClipSize& size, at::Device device);

  /// In bfloat16 on the device. May be called by several threads.
  LatentClips encode(std::vector<Scene> scenes) const;
  /// Of the training scenes `first`, `first` + 1, ... of the world `seed`: never a held-out one.
  LatentClips encode_training(std::uint64_t seed, std::uint64_t first, std::int64_t count) const;

  const ClipSize& size() const { return size_; }
  at::Device device() const { return device_; }
  /// [C, F, H, W] of one clip's latents.
  std::vector<std::int64_t> latent_shape() const;

 private:
  const WanVae& vae_;
  ClipSize size_;
  at::Device device_;
};

}  // namespace radial::video
