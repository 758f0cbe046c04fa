#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "video/sampling/noise_schedule.h"

namespace radial::video {

/// What a sampler remembers between steps, so that a run can be stopped and taken up again.
struct SamplerState {
  int next_step = 0;
  int last_order = 0;             ///< UniPC: order of the last predictor
  std::vector<at::Tensor> clean;  ///< predictions of the clean sample, the newest last
  at::Tensor last_sample;         ///< UniPC: what the last predictor started from
};

/// Takes a sample from pure noise to a clean one, one noise level after the other. The model
/// predicts the flow `noise - clean`.
class Sampler {
 public:
  Sampler(SamplingMethod method, NoiseSchedule schedule);

  const NoiseSchedule& schedule() const { return schedule_; }
  int next_step() const { return state_.next_step; }
  bool done() const { return state_.next_step == schedule_.num_steps(); }

  /// The sample at the next noise level, from the model's output for `sample` at this one. Both of
  /// one shape; the result has the sample's dtype. Throws InvalidArgument once all steps are taken.
  at::Tensor step(const at::Tensor& velocity, const at::Tensor& sample);

  const SamplerState& state() const { return state_; }
  void restore(SamplerState state);

 private:
  at::Tensor step_euler(const at::Tensor& velocity, const at::Tensor& sample) const;
  at::Tensor step_dpm(const at::Tensor& velocity, const at::Tensor& sample);
  at::Tensor step_unipc(const at::Tensor& velocity, const at::Tensor& sample);
  at::Tensor corrected(const at::Tensor& clean_now) const;
  at::Tensor predicted(const at::Tensor& sample, int order) const;
  at::Tensor clean_of(const at::Tensor& velocity, const at::Tensor& sample) const;
  void remember(at::Tensor clean);

  double sigma(int index) const { return schedule_.sigmas[index]; }
  double alpha(int index) const;
  double lambda(int index) const;

  SamplingMethod method_;
  NoiseSchedule schedule_;
  SamplerState state_;
};

}  // namespace radial::video
