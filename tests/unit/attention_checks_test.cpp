// Every bad argument of the entry points gets one line that names it, before anything is written.

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "radial/attention/attention.h"
#include "radial/attention/implementation.h"
#include "support/throws.h"

namespace radial {
namespace {

using testing::expect_refused;

class AttentionChecks : public ::testing::Test {
 protected:
  static constexpr std::int64_t kBatch = 2, kTokens = 150, kHeads = 4, kKeyHeads = 2, kDim = 16;
  static constexpr float kPoison = 77;

  AttentionChecks()
      : plan_(BlockPlan::from_patterns({pattern_from_dense(std::vector<std::uint8_t>(4, 1), 2, 2)},
                                       {}, 128, kTokens, kTokens, 30)),
        memory_(static_cast<std::size_t>(kBatch * kTokens * kHeads * kDim), kPoison),
        lse_(static_cast<std::size_t>(kBatch * kTokens * kHeads), kPoison) {
    const std::array<std::int64_t, 4> q = {kBatch, kTokens, kHeads, kDim};
    const std::array<std::int64_t, 4> k = {kBatch, kTokens, kKeyHeads, kDim};
    const auto view = [&](const auto& sizes) {
      return contiguous_view<void*>(memory_.data(), DType::kFloat32, sizes);
    };
    forward_ = {.q = as_const(view(q)),
                .k = as_const(view(k)),
                .v = as_const(view(k)),
                .out = view(q),
                .maybe_lse = nullptr};
    backward_ = {.q = forward_.q,
                 .k = forward_.k,
                 .v = forward_.v,
                 .out = forward_.q,
                 .lse = lse_.data(),
                 .dout = forward_.q,
                 .dq = view(q),
                 .dk = view(k),
                 .dv = view(k)};
  }

  void refuse_forward(std::initializer_list<std::string_view> parts, const RunOptions& run = {}) {
    expect_refused([&] { attention_forward(plan_, forward_, run); }, parts);
    EXPECT_EQ(memory_.front(), kPoison);
  }
  void refuse_backward(std::initializer_list<std::string_view> parts) {
    expect_refused([&] { attention_backward(plan_, backward_); }, parts);
    EXPECT_EQ(memory_.front(), kPoison);
  }

  BlockPlan plan_;
  std::vector<float> memory_, lse_;
  ForwardArgs forward_;
  BackwardArgs backward_;
};

TEST_F(AttentionChecks, NullPointers) {
  forward_.v.data = nullptr;
  refuse_forward({"v:", "null"});
}

TEST_F(AttentionChecks, DTypes) {
  forward_.k.dtype = DType::kBFloat16;
  refuse_forward({"k:", "float32", "bfloat16"});
}

TEST_F(AttentionChecks, Devices) {
  forward_.out.device = {DeviceType::kCuda, 1};
  refuse_forward({"out:", "cpu", "cuda:1"});
}

TEST_F(AttentionChecks, Sizes) {
  forward_.v.sizes[3] = 32;
  refuse_forward({"v:", "[2, 150, 2, 16]", "[2, 150, 2, 32]"});
}

TEST_F(AttentionChecks, EmptyBatch) {
  forward_.q.sizes[0] = 0;
  refuse_forward({"q:", "at least 1", "[0, 150, 4, 16]"});
}

TEST_F(AttentionChecks, GroupedHeadsThatDoNotDivide) {
  forward_.k.sizes[2] = forward_.v.sizes[2] = 3;
  refuse_forward({"k:", "divide", "4", "3"});
}

TEST_F(AttentionChecks, InnermostStride) {
  forward_.q.strides[3] = 2;
  refuse_forward({"q:", "contiguous", "2"});
}

TEST_F(AttentionChecks, TokensOfAnotherPlan) {
  plan_ = BlockPlan::from_patterns({pattern_from_dense(std::vector<std::uint8_t>(4, 1), 2, 2)}, {},
                                   128, 160, 160);
  refuse_forward({"q:", "150", "160"});
}

TEST_F(AttentionChecks, HeadsOfAnotherPlan) {
  const BlockPattern all = pattern_from_dense(std::vector<std::uint8_t>(4, 1), 2, 2);
  plan_ = BlockPlan::from_patterns({all}, {0, 0, 0}, 128, kTokens, kTokens);
  refuse_forward({"q:", "4 heads", "3"});
}

TEST_F(AttentionChecks, TextLengthsOutOfRange) {
  const std::int32_t lengths[] = {30, 31};
  forward_.maybe_text_lengths = lengths;
  refuse_forward({"text_lengths", "0 to 30", "31", "sample 1"});
}

TEST_F(AttentionChecks, TextLengthsWithoutText) {
  plan_ = BlockPlan::from_patterns({pattern_from_dense(std::vector<std::uint8_t>(4, 1), 2, 2)}, {},
                                   128, kTokens, kTokens);
  const std::int32_t lengths[] = {0, 0};
  forward_.maybe_text_lengths = lengths;
  refuse_forward({"text_lengths", "without text"});
}

TEST_F(AttentionChecks, Scale) {
  forward_.scale = std::numeric_limits<double>::infinity();
  refuse_forward({"scale", "finite", "inf"});
}

TEST_F(AttentionChecks, ThreadCounts) {
  refuse_forward({"num_threads", "-1"}, {.num_threads = -1});
}

TEST_F(AttentionChecks, UnknownImplementations) {
  refuse_forward({"implementation", "reference", "'fast'"}, {.implementation = "fast"});
}

TEST_F(AttentionChecks, CudaTensorsWithoutAnUploadedPlan) {
  for (ConstTensorView* view : {&forward_.q, &forward_.k, &forward_.v}) {
    view->device.type = DeviceType::kCuda;
  }
  forward_.out.device.type = DeviceType::kCuda;
  refuse_forward({"device_plan", "cuda:0"});
}

TEST_F(AttentionChecks, GradientsOfOtherSizes) {
  backward_.dk.sizes[2] = 4;
  refuse_backward({"dk:", "[2, 150, 2, 16]", "[2, 150, 4, 16]"});
}

TEST_F(AttentionChecks, MissingStatistics) {
  backward_.lse = nullptr;
  refuse_backward({"lse", "null"});
}

TEST_F(AttentionChecks, ADoubleProblemGoesToTheReference) {
  std::vector<double> memory(memory_.size(), 0.5);
  ForwardArgs args = forward_;
  for (ConstTensorView* view : {&args.q, &args.k, &args.v}) {
    view->data = memory.data();
    view->dtype = DType::kFloat64;
  }
  args.out.data = memory.data();
  args.out.dtype = DType::kFloat64;
  EXPECT_EQ(chosen_implementation(plan_, args), "reference");
}

TEST(Implementations, EndWithTheReferenceAndHaveDistinctNames) {
  const std::vector<ImplementationInfo> all = implementations();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back().name, "reference");
  EXPECT_TRUE(all.back().available);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(all[i].name, all[j].name);
  }
}

}  // namespace
}  // namespace radial
