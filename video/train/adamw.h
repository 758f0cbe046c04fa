#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "video/train/parameters.h"

namespace radial::video {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;  ///< times the learning rate; see Parameters::group
  double clip_norm = 1.0;      ///< the largest norm of all gradients together; 0: no limit
  double ema_decay = 0.999;    ///< of the averaged weights; lower at first, (1 + n) / (10 + n)
};

/// AdamW (Loshchilov and Hutter 2019) on flat float32 buffers, with an exponential moving average
/// of the weights. Nothing here waits for the device.
class AdamW {
 public:
  /// `parameters` must outlive the optimiser. Throws InvalidArgument for betas or an average's
  /// decay outside [0, 1), a negative decay or limit, or an eps that is not positive.
  AdamW(Parameters& parameters, const AdamWOptions& options);

  /// One update by the gathered gradients, which it clears, then publishes the weights. Gives the
  /// norm of the gradients before clipping, a scalar on the device. If that is not finite, weights,
  /// moments and the count of updates stay as they are.
  at::Tensor step(double learning_rate);

  /// The averaged weights by name, float32: views, to be copied before the next step.
  NamedTensors averaged() const { return parameters_.named(average_); }

  /// Everything a later run needs to go on bit for bit: "master.", "first_moment.",
  /// "second_moment." and "average." before each tensor's name, and "updates".
  NamedTensors state() const;
  /// Throws FormatError if a tensor is missing or has another shape or type.
  void load_state(const NamedTensors& state);

 private:
  void update(bool decays, double learning_rate, const at::Tensor& skip);

  Parameters& parameters_;
  AdamWOptions options_;
  at::Tensor first_moment_, second_moment_, average_;  // [size] float32
  at::Tensor updates_;                                 // scalar float32 on the device
};

}  // namespace radial::video
