#include "video/train/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <array>
#include <string>
#include <utility>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr const char* kUpdates = "updates";

NamedTensors with_prefix(const std::string& prefix, const NamedTensors& tensors) {
  NamedTensors renamed;
  for (const auto& [name, tensor] : tensors) renamed.emplace(prefix + name, tensor);
  return renamed;
}

NamedTensors without_prefix(const std::string& prefix, const NamedTensors& tensors) {
  NamedTensors renamed;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) renamed.emplace(name.substr(prefix.size()), tensor);
  }
  return renamed;
}

}  // namespace

AdamW::AdamW(Parameters& parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options) {
  for (const auto& [name, value] : {std::pair{"beta1", options.beta1},
                                    {"beta2", options.beta2},
                                    {"ema_decay", options.ema_decay}}) {
    RADIAL_REQUIRE(value >= 0 && value < 1, name, ": expected a number in [0, 1), got ", value);
  }
  for (const auto& [name, value] :
       {std::pair{"weight_decay", options.weight_decay}, {"clip_norm", options.clip_norm}}) {
    RADIAL_REQUIRE(value >= 0, name, ": expected a number not below 0, got ", value);
  }
  RADIAL_REQUIRE(options.eps > 0, "eps: expected a positive number, got ", options.eps);
  const at::NoGradGuard no_grad;
  first_moment_ = at::zeros_like(parameters.masters());
  second_moment_ = at::zeros_like(parameters.masters());
  average_ = parameters.masters().clone();
  updates_ = at::zeros({}, parameters.masters().options());
}

void AdamW::update(bool decays, double learning_rate, const at::Tensor& skip) {
  const std::vector<at::Tensor> weights = parameters_.group(parameters_.masters(), decays);
  const std::vector<at::Tensor> updates(weights.size(), updates_);
  at::_fused_adamw_(weights, parameters_.group(parameters_.gradients(), decays),
                    parameters_.group(first_moment_, decays),
                    parameters_.group(second_moment_, decays), /*max_exp_avg_sqs=*/{}, updates,
                    learning_rate, options_.beta1, options_.beta2,
                    decays ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                    /*maximize=*/false, /*grad_scale=*/std::nullopt, /*found_inf=*/skip);
}

at::Tensor AdamW::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  const at::Tensor& gradients = parameters_.gradients();
  const at::Tensor norm = at::linalg_vector_norm(gradients);
  const at::Tensor skip = at::isfinite(norm).logical_not().to(at::kFloat);
  if (options_.clip_norm > 0) {
    constexpr double kAvoidZero = 1e-6;  // as torch's clip_grad_norm_
    gradients.mul_((options_.clip_norm / (norm + kAvoidZero)).clamp_max(1.0));
  }
  updates_.add_(1 - skip);
  update(/*decays=*/true, learning_rate, skip);
  update(/*decays=*/false, learning_rate, skip);
  gradients.zero_();
  const at::Tensor decay = ((updates_ + 1) / (updates_ + 10)).clamp_max(options_.ema_decay);
  average_.lerp_(parameters_.masters(), 1 - decay);
  parameters_.publish();
  return norm;
}

NamedTensors AdamW::state() const {
  NamedTensors state;
  state.merge(with_prefix("master.", parameters_.named(parameters_.masters())));
  state.merge(with_prefix("first_moment.", parameters_.named(first_moment_)));
  state.merge(with_prefix("second_moment.", parameters_.named(second_moment_)));
  state.merge(with_prefix("average.", parameters_.named(average_)));
  state.emplace(kUpdates, updates_);
  return state;
}

void AdamW::load_state(const NamedTensors& state) {
  const auto updates = state.find(kUpdates);
  if (updates == state.end() || updates->second.numel() != 1) {
    throw FormatError("training state: expected one number named updates");
  }
  const at::NoGradGuard no_grad;
  parameters_.assign(parameters_.masters(), without_prefix("master.", state));
  parameters_.assign(first_moment_, without_prefix("first_moment.", state));
  parameters_.assign(second_moment_, without_prefix("second_moment.", state));
  parameters_.assign(average_, without_prefix("average.", state));
  updates_.copy_(updates->second.reshape({}));
  parameters_.publish();
}

}  // namespace radial::video
