#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

namespace radial::video {

/// What random numbers are drawn for; each purpose has numbers of its own.
enum class DrawPurpose : std::uint8_t { kSigma, kNoise, kCaptionDropout, kLatentSample };

/// Which draw of a training: a run that is resumed at a step draws what the uninterrupted run would
/// have drawn, with no generator's state to be saved.
struct DrawKey {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t pass = 0;  ///< of the forward passes of one step
};

/// A generator of the draw alone, on the device. One key and purpose give the same numbers on every
/// CPU, and the same on every run on one kind of GPU.
at::Generator draw_generator(const DrawKey& key, DrawPurpose purpose, at::Device device = at::kCPU);

/// Standard normal numbers, float32 on the device.
at::Tensor draw_noise(at::IntArrayRef shape, const DrawKey& key, at::Device device = at::kCPU,
                      DrawPurpose purpose = DrawPurpose::kNoise);

/// How noise levels are drawn.
struct SigmaLaw {
  enum class Kind : std::uint8_t {
    kUniform,      ///< of (0, 1)
    kLogitNormal,  ///< 1 / (1 + exp(-(mean + deviation n))) of a standard normal n
  };
  Kind kind = Kind::kLogitNormal;
  double mean = 0;
  double deviation = 1;
  double shift = 1;  ///< then shift s / (1 + (shift - 1) s), towards noise if above 1

  /// Throws InvalidArgument for a deviation below 0 or a shift that is not positive.
  void check() const;
};

/// Noise levels [count] in [0, 1], float32 on the CPU.
at::Tensor draw_sigmas(const SigmaLaw& law, std::int64_t count, const DrawKey& key);

/// What a transformer is shown at a noise level, and what it should answer (flow matching; Lipman
/// et al. 2023, Liu et al. 2023).
struct FlowSample {
  at::Tensor noisy;     ///< (1 - sigma) latents + sigma noise
  at::Tensor target;    ///< noise - latents
  at::Tensor timestep;  ///< [B] 1000 sigma
};
/// Of normalised latents and noise [B, C, F, H, W] and noise levels [B], all in float32 on the
/// device of the latents.
FlowSample flow_sample(const at::Tensor& latents, const at::Tensor& noise,
                       const at::Tensor& sigmas);

/// For each of `count` samples whether its caption is replaced by the empty one, so that the model
/// learns to generate without a prompt, which guidance needs. Throws InvalidArgument for a
/// probability outside [0, 1].
std::vector<bool> draw_caption_dropout(double probability, std::int64_t count, const DrawKey& key);

}  // namespace radial::video
