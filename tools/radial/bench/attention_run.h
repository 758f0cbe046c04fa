#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/bench_device.h"
#include "bench/sampled_check.h"

namespace radial::tools {

/// One attention problem with random normal inputs on a device, ready to be run.
class AttentionRun {
 public:
  AttentionRun(BenchDevice& device, const BlockPlan& plan, const AttentionSizes& sizes,
               std::string implementation, std::uint64_t seed);

  void forward() { attention_forward(plan_, forward_, forward_options_); }
  void backward() { attention_backward(plan_, backward_, backward_options_); }

  std::string implementation() const {
    return chosen_implementation(plan_, forward_, forward_options_);
  }

  /// Runs forward and backward once into poisoned outputs and compares sampled rows with double
  /// precision: query rows for out, lse and dq, key rows for dk and dv.
  SampledErrors check(int samples, std::uint64_t seed);

 private:
  struct Tensor {
    TensorView view;
    std::vector<float> host;  // values as rounded to the dtype
  };
  Tensor make_input(std::int64_t tokens, std::int32_t heads, std::uint64_t seed);
  TensorView make_output(std::int64_t tokens, std::int32_t heads);
  std::vector<float> fetch(const TensorView& view);
  void poison(const TensorView& view);

  BenchDevice& device_;
  const BlockPlan& plan_;
  AttentionSizes sizes_;
  std::string implementation_;
  Tensor q_, k_, v_, dout_;
  TensorView out_, dq_, dk_, dv_;
  float* lse_ = nullptr;
  ForwardArgs forward_;
  BackwardArgs backward_;
  RunOptions forward_options_, backward_options_;
};

}  // namespace radial::tools
