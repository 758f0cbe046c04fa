// The operators as a C++ program uses them.

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "radial/torch/attention_op.h"

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
