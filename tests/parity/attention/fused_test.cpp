// The fused operators against the same formulas in torch's own operators: values by their distance
// from double precision, gradients, strides, bad arguments; on the CPU, and on a GPU if there is
// one.

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <functional>

#include "radial/torch/fused_ops.h"
#include "torch_cuda.h"

namespace radial::torch_ops {
namespace {

constexpr std::int64_t kBatch = 2, kTokens = 37, kHeads = 3, kHeadDim = 64;
constexpr std::int64_t kChannels = kHeads * kHeadDim;
constexpr double kEps = 1e-6;

using Tensors = std::vector<at::Tensor>;

/// Inputs of all operators, made on the CPU so that they are the same on every device.
struct Inputs {
  at::Tensor q, k, q_weight, k_weight, rotation, x, branch, scale, shift, gate;

  explicit Inputs(at::Device device, at::ScalarType type) {
    const auto normal = [&](at::IntArrayRef sizes) { return at::randn(sizes); };
    // q and k as views of one product, and the modulation as rows of one table.
    const Tensors product = normal({kBatch, kTokens, 3 * kChannels}).to(device, type).chunk(3, -1);
    q = product[0].unflatten(-1, {kHeads, kHeadDim});
    k = product[1].unflatten(-1, {kHeads, kHeadDim});
    q_weight = (1 + 0.1 * normal({kChannels})).to(device, type);
    k_weight = (1 + 0.1 * normal({kChannels})).to(device, type);
    const at::Tensor angle = normal({kTokens, kHeadDim / 2});
    rotation = at::complex(angle.cos(), angle.sin()).to(device);
    x = (3 + 2 * normal({kBatch, kTokens, kChannels})).to(device);
    branch = normal({kBatch, kTokens, kChannels}).to(device, type);
    const Tensors table = normal({kBatch, 6, kChannels}).to(device).chunk(6, 1);
    shift = table[0];
    scale = table[1];
    gate = table[2];
  }
};

at::Tensor composed_norm_rotary(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& rotation) {
  const auto wide = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor flat = x.flatten(2).to(wide);
  const at::Tensor normed =
      (flat * at::rsqrt(flat.square().mean(-1, true) + kEps)).to(x.scalar_type()) * weight;
  const at::Tensor pairs =
      at::view_as_complex(normed.unflatten(-1, {kHeads, kHeadDim / 2, 2}).to(wide).contiguous());
  const at::Tensor turned = pairs * rotation.to(at::toComplexType(wide)).unsqueeze(1);
  return at::view_as_real(turned).flatten(-2).to(x.scalar_type());
}

at::Tensor composed_layer_norm(const at::Tensor& x, const at::Tensor& scale,
                               const at::Tensor& shift, double offset) {
  return at::layer_norm(x, {kChannels}, {}, {}, kEps) * (scale + offset) + shift;
}

/// At most twice as far from the exact result as torch's own operators, and the result's rounding.
void expect_as_exact(const at::Tensor& ours, const at::Tensor& torchs, const at::Tensor& exact) {
  ASSERT_EQ(ours.sizes(), exact.sizes());
  ASSERT_EQ(ours.scalar_type(), torchs.scalar_type());
  const auto distance = [&](const at::Tensor& one) {
    return (one.to(at::kDouble) - exact).abs().max().item<double>();
  };
  const double unit = ours.scalar_type() == at::kFloat      ? 0x1p-23
                      : ours.scalar_type() == at::kBFloat16 ? 0x1p-8
                                                            : 0x1p-11;
  EXPECT_LE(distance(ours), 2 * distance(torchs) + unit * exact.abs().max().item<double>());
}

void expect_values(at::Device device, at::ScalarType type) {
  SCOPED_TRACE(c10::str(device, " ", type));
  at::manual_seed(1);
  const Inputs in(device, type);
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::kDouble); };

  const auto [q, k] = qk_norm_rotary(in.q, in.k, in.q_weight, in.k_weight, in.rotation, kEps);
  expect_as_exact(q, composed_norm_rotary(in.q, in.q_weight, in.rotation),
                  composed_norm_rotary(wide(in.q), wide(in.q_weight), in.rotation));
  expect_as_exact(k, composed_norm_rotary(in.k, in.k_weight, in.rotation),
                  composed_norm_rotary(wide(in.k), wide(in.k_weight), in.rotation));
  EXPECT_TRUE(at::equal(norm_rotary(in.k, in.k_weight, in.rotation, kEps), k));
  const at::Tensor none = at::ones_like(in.rotation);
  expect_as_exact(norm_rotary(in.q, in.q_weight, std::nullopt, kEps),
                  composed_norm_rotary(in.q, in.q_weight, none),
                  composed_norm_rotary(wide(in.q), wide(in.q_weight), none));

  for (const double offset : {0., 1.}) {
    expect_as_exact(layer_norm_modulated(in.x, in.scale, in.shift, kEps, offset, type),
                    composed_layer_norm(in.x, in.scale, in.shift, offset).to(type),
                    composed_layer_norm(wide(in.x), wide(in.scale), wide(in.shift), offset));
  }
  const at::Tensor weight = in.scale[0][0], bias = in.shift[0][0];
  expect_as_exact(layer_norm_modulated(in.x, weight, bias, kEps, 0, type),
                  composed_layer_norm(in.x, weight, bias, 0).to(type),
                  composed_layer_norm(wide(in.x), wide(weight), wide(bias), 0));
  for (const bool gated : {true, false}) {
    const auto gate = gated ? std::optional(in.gate) : std::nullopt;
    const at::Tensor factor = gated ? in.gate : at::ones_like(in.gate);
    const auto [sum, normed] = residual_layer_norm(in.x, in.branch, gate, in.scale, in.shift, kEps);
    const at::Tensor torchs = at::addcmul(in.x, in.branch.to(at::kFloat), factor);
    const at::Tensor exact = wide(in.x) + wide(in.branch) * wide(factor);
    expect_as_exact(sum, torchs, exact);
    expect_as_exact(normed, composed_layer_norm(torchs, in.scale, in.shift, 1).to(type),
                    composed_layer_norm(exact, wide(in.scale), wide(in.shift), 1));
  }
  expect_as_exact(gated_residual(in.x, in.branch, in.gate),
                  at::addcmul(in.x, in.branch.to(at::kFloat), in.gate),
                  wide(in.x) + wide(in.branch) * wide(in.gate));
}

void expect_same_gradients(const Tensors& leaves,
                           const std::function<at::Tensor(const Tensors&)>& ours,
                           const std::function<at::Tensor(const Tensors&)>& torchs) {
  Tensors inputs;
  for (const at::Tensor& leaf : leaves) inputs.push_back(leaf.detach().requires_grad_());
  const at::Tensor result = ours(inputs);
  const at::Tensor given = at::randn_like(result);
  const Tensors found = torch::autograd::grad({result}, inputs, {given});
  const Tensors expected = torch::autograd::grad({torchs(inputs)}, inputs, {given});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(at::allclose(found[i], expected[i], 1e-5, 1e-5)) << "input " << i;
  }
}

void expect_gradients(at::Device device) {
  SCOPED_TRACE(c10::str(device));
  at::manual_seed(2);
  const Inputs in(device, at::kFloat);
  expect_same_gradients(
      {in.q, in.k, in.q_weight, in.k_weight},
      [&](const Tensors& t) {
        const auto [q, k] = qk_norm_rotary(t[0], t[1], t[2], t[3], in.rotation, kEps);
        return q + 2 * k;
      },
      [&](const Tensors& t) {
        return composed_norm_rotary(t[0], t[2], in.rotation) +
               2 * composed_norm_rotary(t[1], t[3], in.rotation);
      });
  expect_same_gradients(
      {in.q, in.q_weight},
      [&](const Tensors& t) { return norm_rotary(t[0], t[1], in.rotation, kEps); },
      [&](const Tensors& t) { return composed_norm_rotary(t[0], t[1], in.rotation); });
  const at::Tensor none = at::ones_like(in.rotation);
  expect_same_gradients(
      {in.q, in.q_weight},
      [](const Tensors& t) { return norm_rotary(t[0], t[1], std::nullopt, kEps); },
      [&](const Tensors& t) { return composed_norm_rotary(t[0], t[1], none); });
  expect_same_gradients(
      {in.q, in.k},
      [](const Tensors& t) {
        const auto [q, k] = qk_norm_rotary(t[0], t[1], std::nullopt, std::nullopt, {}, kEps);
        return q * k;
      },
      [](const Tensors& t) { return t[0] * t[1]; });
  expect_same_gradients(
      {in.x, in.scale, in.shift},
      [](const Tensors& t) { return layer_norm_modulated(t[0], t[1], t[2], kEps); },
      [](const Tensors& t) { return composed_layer_norm(t[0], t[1], t[2], 1); });
  expect_same_gradients(
      {in.x, in.branch, in.gate, in.scale, in.shift},
      [](const Tensors& t) {
        const auto [sum, normed] = residual_layer_norm(t[0], t[1], t[2], t[3], t[4], kEps);
        return sum + 2 * normed;
      },
      [](const Tensors& t) {
        const at::Tensor sum = t[0] + t[1] * t[2];
        return sum + 2 * composed_layer_norm(sum, t[3], t[4], 1);
      });
  expect_same_gradients(
      {in.x, in.branch, in.gate}, [](const Tensors& t) { return gated_residual(t[0], t[1], t[2]); },
      [](const Tensors& t) { return t[0] + t[1] * t[2]; });
}

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kBFloat16, at::kHalf};

TEST(FusedOperators, AreAsExactAsTorchsOwn) {
  for (const at::ScalarType type : kTypes) expect_values(at::kCPU, type);
}

TEST(FusedOperators, HaveTheGradientsOfTorchsOwn) { expect_gradients(at::kCPU); }

TEST(FusedOperators, OnCudaAsExactAsTorchsOwn) {
  RADIAL_NEEDS_CUDA();
  for (const at::ScalarType type : kTypes) expect_values(at::kCUDA, type);
}

TEST(FusedOperators, OnCudaHaveTheGradientsOfTorchsOwn) {
  RADIAL_NEEDS_CUDA();
  expect_gradients(at::kCUDA);
}

TEST(FusedOperators, OnCudaAreTheSameForStridesThatNeedACopy) {
  RADIAL_NEEDS_CUDA();
  const Inputs in(at::kCUDA, at::kBFloat16);
  const at::Tensor shifted = at::cat({in.q.flatten(2).narrow(2, 0, 1), in.q.flatten(2)}, 2)
                                 .narrow(2, 1, kChannels)
                                 .unflatten(-1, {kHeads, kHeadDim});
  EXPECT_TRUE(at::equal(norm_rotary(shifted, in.q_weight, in.rotation, kEps),
                        norm_rotary(in.q, in.q_weight, in.rotation, kEps)));
}

/// What video/nn/linear.cpp relies on.
TEST(FusedOperators, TorchsProductOnCudaAppliesTheTanhFormOfGelu) {
  RADIAL_NEEDS_CUDA();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({96, 64}).to(at::kCUDA, type),
                     weight = at::randn({128, 64}).to(at::kCUDA, type),
                     bias = at::randn({128}).to(at::kCUDA, type);
    const auto exact = at::gelu(
        at::linear(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble)), "tanh");
    expect_as_exact(at::_addmm_activation(bias, x, weight.t(), 1, 1, true),
                    at::gelu(at::linear(x, weight, bias), "tanh"), exact);
  }
}

TEST(FusedOperators, RefuseASecondDerivative) {
  const Inputs in(at::kCPU, at::kFloat);
  const at::Tensor x = in.x.detach().requires_grad_();
  const at::Tensor y = gated_residual(x, in.branch, in.gate);
  EXPECT_THROW(torch::autograd::grad({y}, {x}, {at::ones_like(y)}, true, /*create_graph=*/true),
               c10::NotImplementedError);
}

TEST(FusedOperators, NameTheArgumentThatDoesNotFit) {
  const Inputs in(at::kCPU, at::kBFloat16);
  const auto message = [](const std::function<void()>& call) -> std::string {
    try {
      call();
    } catch (const c10::Error& error) {
      return error.what_without_backtrace();
    }
    return "nothing was thrown";
  };
  EXPECT_NE(message([&] {
              norm_rotary(in.q, in.q_weight.narrow(0, 0, 8), {}, kEps);
            }).find("weight: expected [192]"),
            std::string::npos);
  EXPECT_NE(message([&] {
              norm_rotary(in.q, in.q_weight, in.rotation.narrow(0, 0, 5), kEps);
            }).find("rotation: expected complex64"),
            std::string::npos);
  EXPECT_NE(message([&] {
              layer_norm_modulated(in.x, in.scale.squeeze(1).t(), in.shift, kEps);
            }).find("scale: expected sizes [E], [B, E] or [B, 1, E]"),
            std::string::npos);
  EXPECT_NE(message([&] { gated_residual(in.branch, in.branch, in.gate); }).find("x: expected"),
            std::string::npos);
  EXPECT_NE(message([&] {
              gated_residual(in.x, in.branch.narrow(1, 0, 3), in.gate);
            }).find("branch: expected the sizes of x"),
            std::string::npos);
}

}  // namespace
}  // namespace radial::torch_ops
