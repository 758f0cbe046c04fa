#include "video/train/flow_matching.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>

#include <mutex>

#include "radial/base/error.h"
#include "video/nn/transfer.h"
#include "video/world/counter_random.h"

namespace radial::video {

at::Generator draw_generator(const DrawKey& key, DrawPurpose purpose, at::Device device) {
  std::uint64_t seed = CounterRandom::mixed(key.seed);
  for (const std::int64_t part : {key.step, key.pass, static_cast<std::int64_t>(purpose)}) {
    seed = CounterRandom::mixed(seed ^ static_cast<std::uint64_t>(part));
  }
  if (device.is_cpu()) return at::detail::createCPUGenerator(seed);
  // Any device's generator, without its headers: a copy of the default one, seeded anew.
  at::Generator global = at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(global.mutex());
  at::Generator own = global.clone();
  own.set_current_seed(seed);
  return own;
}

at::Tensor draw_noise(at::IntArrayRef shape, const DrawKey& key, at::Device device,
                      DrawPurpose purpose) {
  return at::randn(shape, draw_generator(key, purpose, device),
                   at::TensorOptions(device).dtype(at::kFloat));
}

void SigmaLaw::check() const {
  RADIAL_REQUIRE(deviation >= 0, "deviation: expected a number not below 0, got ", deviation);
  RADIAL_REQUIRE(shift > 0, "shift: expected a positive number, got ", shift);
}

at::Tensor draw_sigmas(const SigmaLaw& law, std::int64_t count, const DrawKey& key) {
  law.check();
  const at::Generator generator = draw_generator(key, DrawPurpose::kSigma);
  const at::TensorOptions exact = at::kDouble;
  const at::Tensor drawn =
      law.kind == SigmaLaw::Kind::kUniform
          ? at::rand({count}, generator, exact)
          : at::sigmoid(at::randn({count}, generator, exact) * law.deviation + law.mean);
  return (drawn * law.shift / (drawn * (law.shift - 1) + 1)).to(at::kFloat);
}

FlowSample flow_sample(const at::Tensor& latents, const at::Tensor& noise,
                       const at::Tensor& sigmas) {
  RADIAL_REQUIRE(latents.dim() == 5, "latents: expected [B, C, F, H, W], got ", latents.sizes());
  RADIAL_REQUIRE(noise.sizes() == latents.sizes(), "noise: expected ", latents.sizes(), ", got ",
                 noise.sizes());
  RADIAL_REQUIRE(sigmas.dim() == 1 && sigmas.size(0) == latents.size(0), "sigmas: expected [",
                 latents.size(0), "], got ", sigmas.sizes());
  const at::TensorOptions options = latents.options().dtype(at::kFloat);
  const at::Tensor clean = latents.to(options), noisiest = noise.to(options);
  const at::Tensor level = sent_to(sigmas.to(at::kFloat), latents.device());
  return {.noisy = at::lerp(clean, noisiest, level.view({-1, 1, 1, 1, 1})),
          .target = noisiest - clean,
          .timestep = level * 1000};
}

std::vector<bool> draw_caption_dropout(double probability, std::int64_t count, const DrawKey& key) {
  RADIAL_REQUIRE(probability >= 0 && probability <= 1,
                 "caption dropout: expected a number in [0, 1], got ", probability);
  const at::Tensor drawn =
      at::rand({count}, draw_generator(key, DrawPurpose::kCaptionDropout), at::kDouble);
  std::vector<bool> dropped;
  for (std::int64_t sample = 0; sample < count; ++sample) {
    dropped.push_back(drawn[sample].item<double>() < probability);
  }
  return dropped;
}

}  // namespace radial::video
