#include "video/sampling/sampler.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr int kMaxOrder = 2;

}  // namespace

Sampler::Sampler(SamplingMethod method, NoiseSchedule schedule)
    : method_(method), schedule_(std::move(schedule)) {
  RADIAL_REQUIRE(
      schedule_.num_steps() >= 1 && schedule_.sigmas.size() == schedule_.timesteps.size() + 1,
      "schedule: expected one more noise level than timesteps, got ", schedule_.sigmas.size(),
      " and ", schedule_.timesteps.size());
}

void Sampler::restore(SamplerState state) {
  RADIAL_REQUIRE(state.next_step >= 0 && state.next_step <= schedule_.num_steps(),
                 "sampler state: expected a step up to ", schedule_.num_steps(), ", got ",
                 state.next_step);
  state_ = std::move(state);
}

at::Tensor Sampler::step(const at::Tensor& velocity, const at::Tensor& sample) {
  RADIAL_REQUIRE(!done(), "sampler: expected at most ", schedule_.num_steps(), " steps");
  RADIAL_REQUIRE(velocity.sizes() == sample.sizes(), "velocity: expected the shape of the sample ",
                 sample.sizes(), ", got ", velocity.sizes());
  const at::Tensor flow = velocity.to(sample.scalar_type());
  at::Tensor next;
  switch (method_) {
    case SamplingMethod::kEuler:
      next = step_euler(flow, sample);
      break;
    case SamplingMethod::kDpmPlusPlus:
      next = step_dpm(flow, sample);
      break;
    case SamplingMethod::kUniPc:
      next = step_unipc(flow, sample);
      break;
  }
  ++state_.next_step;
  return next;
}

// 1 - sigma as float32 has it: at the first level, where sigma is 1 - 1e-6, the difference enters
// the second step, and float32 is what the reference computes with.
double Sampler::alpha(int index) const { return 1.0f - schedule_.sigmas[index]; }

// Half the log signal-to-noise ratio; -inf at sigma 1, +inf at 0.
double Sampler::lambda(int index) const { return std::log(alpha(index)) - std::log(sigma(index)); }

at::Tensor Sampler::clean_of(const at::Tensor& velocity, const at::Tensor& sample) const {
  return sample - velocity * sigma(state_.next_step);
}

void Sampler::remember(at::Tensor clean) {
  state_.clean.push_back(std::move(clean));
  if (state_.clean.size() > kMaxOrder) state_.clean.erase(state_.clean.begin());
}

at::Tensor Sampler::step_euler(const at::Tensor& velocity, const at::Tensor& sample) const {
  const int now = state_.next_step;
  return sample + velocity * (sigma(now + 1) - sigma(now));
}

at::Tensor Sampler::step_dpm(const at::Tensor& velocity, const at::Tensor& sample) {
  const int now = state_.next_step, next = now + 1;
  remember(clean_of(velocity, sample));
  const at::Tensor& clean = state_.clean.back();
  const double h = lambda(next) - lambda(now);
  const double change = alpha(next) * std::expm1(-h);
  at::Tensor result = sample * (sigma(next) / sigma(now)) - clean * change;
  if (state_.clean.size() == kMaxOrder && next < schedule_.num_steps()) {
    // After a first level of exactly 1 this is a division by infinity: no correction.
    const double inverse_ratio = h / (lambda(now) - lambda(now - 1));
    result -= (clean - state_.clean.front()) * (0.5 * change * inverse_ratio);
  }
  return result;
}

at::Tensor Sampler::step_unipc(const at::Tensor& velocity, const at::Tensor& sample) {
  const int now = state_.next_step;
  const at::Tensor clean = clean_of(velocity, sample);
  const at::Tensor start = state_.last_order > 0 ? corrected(clean) : sample;
  // The history keeps the prediction made from the uncorrected sample.
  remember(clean);
  const int order =
      std::min({kMaxOrder, schedule_.num_steps() - now, static_cast<int>(state_.clean.size())});
  state_.last_sample = start;
  state_.last_order = order;
  return predicted(start, order);
}

// UniP: from `sample` at this level to the next one, the newest prediction being of this level.
at::Tensor Sampler::predicted(const at::Tensor& sample, int order) const {
  const int now = state_.next_step, next = now + 1;
  const at::Tensor& clean = state_.clean.back();
  const double h = lambda(next) - lambda(now);
  const double change = alpha(next) * std::expm1(-h);
  at::Tensor result = sample * (sigma(next) / sigma(now)) - clean * change;
  if (order == kMaxOrder) {
    const double ratio = (lambda(now - 1) - lambda(now)) / h;
    result -= (state_.clean.front() - clean) * (0.5 * change / ratio);
  }
  return result;
}

// UniC: this level again from the sample the last predictor started from, now with the prediction
// at this level known. `state_.clean` still ends with the previous level.
at::Tensor Sampler::corrected(const at::Tensor& clean_now) const {
  const int now = state_.next_step, before = now - 1;
  const at::Tensor& clean_before = state_.clean.back();
  const double h = lambda(now) - lambda(before);
  const double growth = std::expm1(-h);
  const double change = alpha(now) * growth;
  at::Tensor result = state_.last_sample * (sigma(now) / sigma(before)) - clean_before * change;
  double weight_now = 0.5;
  if (state_.last_order == kMaxOrder) {
    // Weights that make the update exact to second order: [1 1; r 1] w = [b1; b2].
    const double ratio = (lambda(before - 1) - lambda(before)) / h;
    const double phi_1 = growth / -h - 1;
    const double phi_2 = phi_1 / -h - 0.5;
    const double b_1 = phi_1 / growth, b_2 = 2 * phi_2 / growth;
    const double weight_older = (b_1 - b_2) / (1 - ratio);
    weight_now = b_1 - weight_older;
    result -= (state_.clean.front() - clean_before) * (change * weight_older / ratio);
  }
  result -= (clean_now - clean_before) * (change * weight_now);
  return result;
}

}  // namespace radial::video
