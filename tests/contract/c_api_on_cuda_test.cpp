// The C interface on tensors of a GPU gives what the C++ interface gives there.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>

#include "../c_api/handles.h"
#include "attention/cuda/common/device_array.h"
#include "radial/mask/radial_mask.h"
#include "support/cuda/mirror.h"
#include "support/run_attention.h"

namespace radial::testing {
namespace {

const VideoLayout kLayout{.frames = 3, .grid_h = 8, .grid_w = 9, .text_tokens = 6};

std::string cuda_implementation() {
  for (const std::string& name : contract_implementations()) {
    if (runs_on_cuda(name)) return name;
  }
  return {};
}

radial_tensor c_tensor(const Mirror& mirror) {
  const TensorView& view = mirror.view();
  radial_tensor tensor = radial_contiguous(view.data, RADIAL_BFLOAT16, view.sizes[0], view.sizes[1],
                                           view.sizes[2], view.sizes[3]);
  tensor.device = RADIAL_CUDA;
  std::copy(view.strides.begin(), view.strides.end(), tensor.strides);
  return tensor;
}

/// Inputs and results of one problem on the GPU, and the arguments in C that name them.
struct CProblem {
  CProblem(const Problem& problem, const Results& results)
      : q(problem.q, Far::kNone),
        k(problem.k, Far::kNone),
        v(problem.v, Far::kNone),
        dout(problem.dout, Far::kNone),
        out(results.out, Far::kNone),
        dq(results.dq, Far::kNone),
        dk(results.dk, Far::kNone),
        dv(results.dv, Far::kNone),
        lengths(std::span<const std::int32_t>(problem.text_lengths)),
        lse(results.lse.size() * sizeof(float)) {
    forward.q = backward.q = c_tensor(q);
    forward.k = backward.k = c_tensor(k);
    forward.v = backward.v = c_tensor(v);
    forward.out = backward.out = c_tensor(out);
    backward.dout = c_tensor(dout);
    backward.dq = c_tensor(dq);
    backward.dk = c_tensor(dk);
    backward.dv = c_tensor(dv);
    backward.lse = forward.lse = lse.data();
    forward.text_lengths = backward.text_lengths = lengths.data();
    forward.scale = backward.scale = problem.scale.value_or(0);
  }

  Mirror q, k, v, dout, out, dq, dk, dv;
  DeviceArray<std::int32_t> lengths;
  DeviceMemory lse;
  radial_forward_args forward = radial_forward_args_init();
  radial_backward_args backward = radial_backward_args_init();
};

PlanHandle made_plan() {
  radial_layout layout = layout_of(kLayout.frames, kLayout.grid_h, kLayout.grid_w);
  layout.text_tokens = kLayout.text_tokens;
  radial_mask_options options = radial_mask_options_init();
  options.block_size = 64;
  return make_plan(layout, &options);
}

TEST(CApiOnCuda, GivesTheBitsOfTheCppInterface) {
  const std::string implementation = cuda_implementation();
  if (implementation.empty()) {
    ASSERT_EQ(std::getenv("RADIAL_EXPECT_CUDA"), nullptr) << "no CUDA implementation can run here";
    GTEST_SKIP() << "no CUDA implementation can run on this machine";
  }
  const BlockPlan block_plan = BlockPlan::build(RadialMask(kLayout, {.block_size = 64}));
  const Problem problem =
      problem_of(block_plan, 4, 2, 11, {.dtype = DType::kBFloat16, .head_dims = {64}});
  const Results expected = run_attention(problem, implementation);
  Results ours = expected;
  for (HostTensor* tensor : {&ours.out, &ours.dq, &ours.dk, &ours.dv}) poison(*tensor);

  const PlanHandle plan = made_plan();
  radial_device_plan* device_plan = nullptr;
  ASSERT_EQ(radial_device_plan_create(plan.get(), 0, &device_plan), RADIAL_OK)
      << radial_last_error();
  const std::unique_ptr<radial_device_plan, decltype(&radial_device_plan_destroy)> owner(
      device_plan, &radial_device_plan_destroy);
  EXPECT_GT(radial_device_plan_bytes(device_plan), 0u);
  CProblem there(problem, ours);
  radial_run_options options = radial_run_options_init();
  options.implementation = implementation.c_str();
  options.device_plan = device_plan;
  std::size_t forward_bytes = 0, backward_bytes = 0;
  ASSERT_EQ(radial_forward_workspace(plan.get(), &there.forward, &options, &forward_bytes),
            RADIAL_OK);
  ASSERT_EQ(radial_backward_workspace(plan.get(), &there.backward, &options, &backward_bytes),
            RADIAL_OK);
  DeviceMemory workspace(std::max(forward_bytes, backward_bytes));
  workspace.poison();
  RADIAL_CUDA_CHECK(cudaDeviceSynchronize());
  options.workspace = workspace.data();
  options.workspace_bytes = workspace.bytes();
  ASSERT_EQ(radial_forward(plan.get(), &there.forward, &options), RADIAL_OK) << radial_last_error();
  ASSERT_EQ(radial_backward(plan.get(), &there.backward, &options), RADIAL_OK)
      << radial_last_error();
  RADIAL_CUDA_CHECK(cudaDeviceSynchronize());
  there.out.copy_back(ours.out);
  there.dq.copy_back(ours.dq);
  there.dk.copy_back(ours.dk);
  there.dv.copy_back(ours.dv);
  EXPECT_EQ(ours.out.memory, expected.out.memory);
  EXPECT_EQ(ours.dq.memory, expected.dq.memory);
  EXPECT_EQ(ours.dk.memory, expected.dk.memory);
  EXPECT_EQ(ours.dv.memory, expected.dv.memory);

  options.device_plan = nullptr;
  expect_invalid(radial_forward(plan.get(), &there.forward, &options), {"device_plan"});
}

}  // namespace
}  // namespace radial::testing
