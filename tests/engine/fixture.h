#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/memory_source.h"

namespace radial::video {

/// One file of tests/parity/data: the weights of a small model, inputs, and what diffusers computes
/// from them.
class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : tensors_(load_tensors(std::filesystem::path(RADIAL_PARITY_DATA) / name)) {}

  at::Tensor operator[](const std::string& name) const { return tensors_.at(name); }

  TableSource weights(at::ScalarType dtype = at::kFloat) const {
    const std::string prefix = "weights.";
    std::map<std::string, at::Tensor> found;
    for (const auto& [name, tensor] : tensors_) {
      if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor.to(dtype);
    }
    return TableSource(std::move(found));
  }

 private:
  std::map<std::string, at::Tensor> tensors_;
};

/// |got - expected| / |expected|, both as double.
inline double relative_l2(const at::Tensor& got, const at::Tensor& expected) {
  const at::Tensor exact = expected.to(at::kDouble);
  return ((got.to(at::kDouble) - exact).norm() / exact.norm()).item<double>();
}

/// Ten times what another order of float32 arithmetic changes in models of this size.
inline constexpr double kParity = 2e-5;

#define EXPECT_PARITY(got, expected)                    \
  do {                                                  \
    ASSERT_EQ((got).sizes(), (expected).sizes());       \
    EXPECT_LE(relative_l2((got), (expected)), kParity); \
  } while (false)

}  // namespace radial::video
