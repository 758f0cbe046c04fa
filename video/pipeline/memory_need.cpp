#include "video/pipeline/memory_need.h"

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>

#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"
#include "video/pipeline/denoise.h"
#include "video/pipeline/meta_memory.h"
#include "video/text/umt5_encoder.h"

namespace radial::video {
namespace {

at::Tensor meta_tensor(at::IntArrayRef shape, at::ScalarType dtype) {
  return at::empty(shape, at::TensorOptions().dtype(dtype).device(at::kMeta));
}

// Code and buffers of the mathematical libraries, which come into memory when they are first used:
// 6 to 9 MB in every part that was measured.
constexpr std::uint64_t kLibraries = 8'000'000;

}  // namespace

Fit fit_of(std::uint64_t needed, std::uint64_t free) {
  // A part that took less than 0.8 times what is worked out here was not seen: beyond it cannot
  // fit.
  constexpr double kSurely = 0.8, kNear = 0.9;
  const auto most = static_cast<double>(needed);
  if (kSurely * most > static_cast<double>(free)) return Fit::kCannot;
  return most > kNear * static_cast<double>(free) ? Fit::kNear : Fit::kFits;
}

std::uint64_t text_encoder_working_bytes(const Umt5Config& config, at::ScalarType dtype,
                                         std::int64_t num_tokens) {
  const c10::InferenceMode no_gradients;
  ShapeSource weights(dtype);
  const Umt5Encoder encoder(config, weights);
  const MetaMemory memory;
  encoder.forward(meta_tensor({1, num_tokens}, at::kLong));
  return memory.peak() + kLibraries;
}

std::uint64_t transformer_working_bytes(const WanConfig& config, at::ScalarType dtype,
                                        const VideoLayout& layout, bool guided) {
  const c10::InferenceMode no_gradients;
  ShapeSource weights(dtype);
  const WanTransformer model(config, weights);
  // UniPC keeps the most; it has all of it at the third step.
  const NoiseSchedule schedule = make_noise_schedule({.num_steps = 4});
  ResolvedAttention dense{.layout = layout, .plan = {}, .dense_layers = {}, .dense_steps = {}};
  const MetaMemory memory;
  const auto [pt, ph, pw] = config.patch_size;
  const auto text = [&] { return meta_tensor({1, config.text_len, config.text_dim}, dtype); };
  DenoiseInputs inputs{.latents = meta_tensor({1, config.in_channels, layout.frames * pt,
                                               layout.grid_h * ph, layout.grid_w * pw},
                                              at::kFloat),
                       .prompt = text(),
                       .negative_prompt = text()};
  denoise(model, inputs, {.schedule = schedule, .guidance = guided ? 2.0 : 1.0}, dense);
  return memory.peak() + kLibraries;
}

std::uint64_t transformer_block_bytes(const WanConfig& config, at::ScalarType dtype) {
  ShapeSource weights(dtype);
  const WanBlock block(config, TensorScope(weights));
  std::uint64_t bytes = 0;
  for (const auto& [name, shape] : weights.shapes()) {
    bytes += meta_tensor(shape, weights.dtypes().at(name)).nbytes();
  }
  return bytes;
}

std::uint64_t decoder_working_bytes(const WanVaeConfig& config, at::ScalarType dtype,
                                    at::IntArrayRef latents, const VaePass& pass) {
  const c10::InferenceMode no_gradients;
  ShapeSource weights(dtype);
  const WanVae vae(config, weights);
  const MetaMemory memory;
  const at::Tensor input = meta_tensor(latents, at::kFloat);
  const at::Tensor pixels = vae.decode(vae.denormalized(input), pass);
  pixels.to(at::kFloat).transpose(1, 2).contiguous();
  return memory.peak() + kLibraries;
}

std::uint64_t encoder_working_bytes(const WanVaeConfig& config, at::ScalarType dtype,
                                    at::IntArrayRef pixels, const VaePass& pass) {
  const c10::InferenceMode no_gradients;
  ShapeSource weights(dtype);
  const WanVae vae(config, weights);
  const MetaMemory memory;
  vae.encode(meta_tensor(pixels, at::kFloat), pass);
  return memory.peak() + kLibraries;
}

}  // namespace radial::video
