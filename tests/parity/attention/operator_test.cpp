// The operators as a C++ program uses them.

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "radial/torch/attention_op.h"
#include "torch_cuda.h"

namespace radial::torch_ops {
namespace {

constexpr VideoLayout kLayout{.frames = 3, .grid_h = 5, .grid_w = 7};

PlanPtr dense_plan() {
  return PlanHandle::build(RadialMask(kLayout, {.rule = "dense", .block_size = 64}));
}

at::Tensor random_tensor(std::int64_t heads) {
  return at::randn({2, kLayout.total_tokens(), heads, 16}, at::kDouble);
}

at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
      .transpose(1, 2);
}

TEST(TorchOperators, DensePlanIsScaledDotProductAttention) {
  const at::Tensor q = random_tensor(2), k = random_tensor(2), v = random_tensor(2);
  const auto [out, lse] = attention(q, k, v, dense_plan());
  EXPECT_TRUE(at::allclose(out, dense_attention(q, k, v)));
  EXPECT_EQ(lse.sizes(), at::IntArrayRef({2, 2, kLayout.total_tokens()}));
}

TEST(TorchOperators, GradientsReachQueriesKeysAndValues) {
  const at::Tensor q = random_tensor(2).requires_grad_(), k = random_tensor(2).requires_grad_(),
                   v = random_tensor(2).requires_grad_(), dout = random_tensor(2);
  std::get<0>(attention(q, k, v, dense_plan())).backward(dout);
  const std::vector<at::Tensor> ours = {q.grad().clone(), k.grad().clone(), v.grad().clone()};
  for (const at::Tensor& x : {q, k, v}) x.mutable_grad().reset();
  dense_attention(q, k, v).backward(dout);
  EXPECT_TRUE(at::allclose(ours[0], q.grad()));
  EXPECT_TRUE(at::allclose(ours[1], k.grad()));
  EXPECT_TRUE(at::allclose(ours[2], v.grad()));
}

double distance(const at::Tensor& one, const at::Tensor& other) {
  return (one.cpu().to(at::kDouble) - other).abs().max().item<double>();
}

/// At most twice as far from `exact` as torch's own result in the same type, and its rounding.
void expect_as_exact(const at::Tensor& ours, const at::Tensor& torchs, const at::Tensor& exact) {
  const double rounding = 0x1p-8 * exact.abs().max().item<double>();  // of bfloat16
  EXPECT_LE(distance(ours, exact), 2 * distance(torchs, exact) + rounding);
}

TEST(TorchOperators, OnCudaAsExactAsTorchsOwn) {
  RADIAL_NEEDS_CUDA();
  using Function = at::Tensor (*)(const at::Tensor&, const at::Tensor&, const at::Tensor&);
  const Function ours = [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return std::get<0>(attention(q, k, v, dense_plan()));
  };
  std::vector<at::Tensor> inputs;
  for (int i = 0; i < 4; ++i) {  // q, k, v, dout
    inputs.push_back(at::randn({2, kLayout.total_tokens(), 2, 64}).to(at::kBFloat16));
  }
  const auto results = [&](Function function, at::Device device, at::ScalarType type) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& x : inputs) leaves.push_back(x.to(device, type));
    for (std::size_t i = 0; i < 3; ++i) leaves[i].requires_grad_();
    const at::Tensor out = function(leaves[0], leaves[1], leaves[2]);
    out.backward(leaves[3]);
    return std::vector<at::Tensor>{out.detach(), leaves[0].grad(), leaves[1].grad(),
                                   leaves[2].grad()};
  };
  const auto exact = results(dense_attention, at::kCPU, at::kDouble);
  const auto torchs = results(dense_attention, at::kCUDA, at::kBFloat16);
  const auto here = results(ours, at::kCUDA, at::kBFloat16);
  for (std::size_t i = 0; i < exact.size(); ++i) expect_as_exact(here[i], torchs[i], exact[i]);
}

TEST(TorchOperators, ErrorsNameTheArgument) {
  const at::Tensor q = random_tensor(2), k = random_tensor(2), v = random_tensor(1);
  try {
    attention(q, k, v, dense_plan());
    FAIL() << "expected an error";
  } catch (const c10::ValueError& error) {
    EXPECT_EQ(std::string(error.what_without_backtrace()),
              "v: expected sizes [2, 105, 2, 16], got [2, 105, 1, 16]");
  }
}

TEST(TorchOperators, PlansAreFoundByTheirIdWhileTheyLive) {
  PlanPtr plan = dense_plan();
  const std::int64_t id = plan->id();
  EXPECT_EQ(PlanHandle::find(id), plan);
  EXPECT_NE(dense_plan()->id(), id);
  plan.reset();
  EXPECT_FALSE(PlanHandle::find(id));
}

}  // namespace
}  // namespace radial::torch_ops
