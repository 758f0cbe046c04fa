#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
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

/// Keeps the largest difference that a test found, and what it allows, in the test's report, from
/// which scripts/parity_report makes docs/parity.md.
inline void record_parity(double difference, double tolerance) {
  const testing::TestResult& result =
      *testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int i = 0; i < result.test_property_count(); ++i) {
    const testing::TestProperty& property = result.GetTestProperty(i);
    if (property.key() != std::string("relative_l2")) continue;
    difference = std::max(difference, std::stod(property.value()));
  }
  std::ostringstream text;
  text << difference;
  testing::Test::RecordProperty("relative_l2", text.str());
  std::ostringstream allowed;
  allowed << tolerance;
  testing::Test::RecordProperty("tolerance", allowed.str());
}

/// Ten times what another order of float32 arithmetic changes in models of this size.
inline constexpr double kParity = 2e-5;

#define EXPECT_PARITY(got, expected)                                      \
  do {                                                                    \
    const at::Tensor parity_got = (got);                                  \
    ASSERT_EQ(parity_got.sizes(), (expected).sizes());                    \
    const double parity_difference = relative_l2(parity_got, (expected)); \
    record_parity(parity_difference, kParity);                            \
    EXPECT_LE(parity_difference, kParity);                                \
  } while (false)

}  // namespace radial::video
