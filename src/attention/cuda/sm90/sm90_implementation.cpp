#include "attention/cuda/sm90/sm90_implementation.h"

#include "attention/cuda/common/compute_capability.h"
#include "attention/cuda/sm80/sm80_implementation.h"
#include "attention/cuda/sm90/backward/launch.h"
#include "attention/cuda/sm90/forward/launch.h"
#include "radial/base/error.h"
#include "radial/cuda/device_plan.h"

namespace radial::sm90 {
namespace {

std::string unavailable() {
  const int capability = compute_capability();
  if (capability == 0) return "no usable NVIDIA GPU";
  if (capability != 90) {
    return concat("needs compute capability 9.0, the GPU has ", capability / 10, ".",
                  capability % 10);
  }
  return {};
}

std::string declines(const AttentionProblem& problem) {
  if (problem.dtype != DType::kBFloat16 && problem.dtype != DType::kFloat16) {
    return concat("bfloat16 and float16 only, got ", name_of(problem.dtype));
  }
  if (problem.head_dim != 64 && problem.head_dim != 128) {
    return concat("head dim 64 or 128 only, got ", problem.head_dim);
  }
  const std::int32_t block = problem.plan->block_size();
  if (block != 64 && block != 128) return concat("blocks of 64 or 128 only, got ", block);
  if (problem.scale == 0) return "a scale other than 0 only";
  return {};
}

std::size_t forward_workspace_bytes(const AttentionProblem& problem, int) {
  return forward_workspace(problem);
}

/// Gradients under other plans (blocks of 64) are computed by the kernels for Ampere and later.
std::size_t backward_workspace_bytes(const AttentionProblem& problem, int num_threads) {
  return serves_backward(problem) ? backward_workspace(problem)
                                  : sm80::implementation().backward_workspace(problem, num_threads);
}

void choose_backward(const BackwardParams& params, const RunContext& context) {
  if (serves_backward(params.problem)) {
    launch_backward(params, context);
  } else {
    sm80::implementation().backward(params, context);
  }
}

}  // namespace

Implementation implementation() {
  return {.name = "cuda_sm90",
          .description = "TMA and WGMMA, warp-specialised, for Hopper; bf16 and fp16",
          .device = DeviceType::kCuda,
          .unavailable = unavailable,
          .declines = declines,
          .forward_workspace = forward_workspace_bytes,
          .backward_workspace = backward_workspace_bytes,
          .forward = launch_forward,
          .backward = choose_backward};
}

}  // namespace radial::sm90
