#include "attention/cuda/sm80/sm80_implementation.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention/cuda/common/compute_capability.h"
#include "attention/cuda/common/device_plan_arrays.h"
#include "attention/cuda/sm80/config.h"
#include "attention/cuda/sm80/launch.h"
#include "radial/base/error.h"

namespace radial::sm80 {

extern template void run_forward<Config<__nv_bfloat16, 64>>(const ForwardKernelParams&,
                                                            std::int32_t, Stream);
extern template void run_forward<Config<__nv_bfloat16, 128>>(const ForwardKernelParams&,
                                                             std::int32_t, Stream);
extern template void run_forward<Config<__half, 64>>(const ForwardKernelParams&, std::int32_t,
                                                     Stream);
extern template void run_forward<Config<__half, 128>>(const ForwardKernelParams&, std::int32_t,
                                                      Stream);
extern template void run_backward<Config<__nv_bfloat16, 64>>(const BackwardKernelParams&,
                                                             std::int32_t, Stream);
extern template void run_backward<Config<__nv_bfloat16, 128>>(const BackwardKernelParams&,
                                                              std::int32_t, Stream);
extern template void run_backward<Config<__half, 64>>(const BackwardKernelParams&, std::int32_t,
                                                      Stream);
extern template void run_backward<Config<__half, 128>>(const BackwardKernelParams&, std::int32_t,
                                                       Stream);

namespace {

constexpr std::int32_t kTile = 64;
constexpr std::int64_t kMostGridRows = 65535;  // heads and batch are grid y and z

std::string unavailable() {
  const int capability = compute_capability();
  if (capability == 0) return "no usable NVIDIA GPU";
  if (capability < 80)
    return concat("needs compute capability 8.0, the GPU has ", capability / 10.0);
  return {};
}

std::string declines(const AttentionProblem& problem) {
  if (problem.dtype != DType::kBFloat16 && problem.dtype != DType::kFloat16) {
    return concat("bfloat16 and float16 only, got ", name_of(problem.dtype));
  }
  if (problem.head_dim != 64 && problem.head_dim != 128) {
    return concat("head dim 64 or 128 only, got ", problem.head_dim);
  }
  if (problem.scale == 0) return "a scale other than 0 only";
  if (problem.batch > kMostGridRows || problem.heads > kMostGridRows) {
    return concat("at most 65535 heads and samples, got ", problem.heads, " and ", problem.batch);
  }
  return {};
}

/// Rows must begin at multiples of 16 bytes: they are copied in pieces of that size.
void check_alignment(std::string_view name, const void* data, const Strides& strides) {
  constexpr std::int64_t kElements = 8;
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 &&
                       strides.batch % kElements == 0 && strides.token % kElements == 0 &&
                       strides.head % kElements == 0;
  RADIAL_REQUIRE(aligned, name, ": expected memory and strides in multiples of 16 bytes on cuda");
}

ElementStrides to_device(const Strides& strides) {
  return {strides.batch, strides.token, strides.head};
}

BlockLists to_kernel(const DeviceLists& lists, std::int32_t num_blocks) {
  return {lists.offsets.data(), lists.runs.data(), lists.order.data(), num_blocks};
}

CommonParams common_params(const AttentionProblem& problem) {
  constexpr double kLog2E = 1.44269504088896340736;
  const DevicePlan::Arrays& plan = problem.maybe_device_plan->arrays();
  return {.rows = to_kernel(plan.rows, plan.num_query_blocks),
          .columns = to_kernel(plan.columns, plan.num_key_blocks),
          .maybe_head_patterns = plan.head_patterns.data(),
          .maybe_text_lengths = problem.maybe_text_lengths,
          .text_begin = static_cast<std::int32_t>(problem.plan->text_begin()),
          .query_tokens = static_cast<std::int32_t>(problem.query_tokens),
          .key_tokens = static_cast<std::int32_t>(problem.key_tokens),
          .heads = problem.heads,
          .key_heads = problem.key_heads,
          .tiles_per_block = problem.plan->block_size() / kTile,
          .score_scale = static_cast<float>(problem.scale),
          .score_scale_log2 = static_cast<float>(problem.scale * kLog2E)};
}

/// Calls `body` with the Config of the problem.
template <typename Body>
void with_config(const AttentionProblem& problem, Body&& body) {
  const bool wide = problem.head_dim == 128;
  if (problem.dtype == DType::kBFloat16) {
    wide ? body(Config<__nv_bfloat16, 128>{}) : body(Config<__nv_bfloat16, 64>{});
  } else {
    wide ? body(Config<__half, 128>{}) : body(Config<__half, 64>{});
  }
}

void forward(const ForwardParams& params, const RunContext& context) {
  const AttentionProblem& problem = params.problem;
  check_alignment("q", params.q, params.q_strides);
  check_alignment("k", params.k, params.k_strides);
  check_alignment("v", params.v, params.v_strides);
  check_alignment("out", params.out, params.out_strides);
  const ForwardKernelParams kernel_params{.common = common_params(problem),
                                          .q = params.q,
                                          .k = params.k,
                                          .v = params.v,
                                          .out = params.out,
                                          .maybe_lse = static_cast<float*>(params.maybe_lse),
                                          .q_strides = to_device(params.q_strides),
                                          .k_strides = to_device(params.k_strides),
                                          .v_strides = to_device(params.v_strides),
                                          .out_strides = to_device(params.out_strides)};
  with_config(problem, [&]<typename Chosen>(Chosen) {
    run_forward<Chosen>(kernel_params, static_cast<std::int32_t>(problem.batch), context.stream);
  });
}

std::size_t rows_of(const AttentionProblem& problem) {
  return static_cast<std::size_t>(problem.batch * problem.heads * problem.query_tokens);
}

void backward(const BackwardParams& params, const RunContext& context) {
  const AttentionProblem& problem = params.problem;
  check_alignment("q", params.q, params.q_strides);
  check_alignment("k", params.k, params.k_strides);
  check_alignment("v", params.v, params.v_strides);
  check_alignment("dout", params.dout, params.dout_strides);
  check_alignment("dq", params.dq, params.dq_strides);
  check_alignment("dk", params.dk, params.dk_strides);
  check_alignment("dv", params.dv, params.dv_strides);
  float* const statistics = static_cast<float*>(context.workspace.data);
  const BackwardKernelParams kernel_params{.common = common_params(problem),
                                           .q = params.q,
                                           .k = params.k,
                                           .v = params.v,
                                           .out = params.out,
                                           .dout = params.dout,
                                           .lse = static_cast<const float*>(params.lse),
                                           .neg_lse = statistics,
                                           .delta = statistics + rows_of(problem),
                                           .dq = params.dq,
                                           .dk = params.dk,
                                           .dv = params.dv,
                                           .q_strides = to_device(params.q_strides),
                                           .k_strides = to_device(params.k_strides),
                                           .v_strides = to_device(params.v_strides),
                                           .out_strides = to_device(params.out_strides),
                                           .dout_strides = to_device(params.dout_strides),
                                           .dq_strides = to_device(params.dq_strides),
                                           .dk_strides = to_device(params.dk_strides),
                                           .dv_strides = to_device(params.dv_strides)};
  with_config(problem, [&]<typename Chosen>(Chosen) {
    run_backward<Chosen>(kernel_params, static_cast<std::int32_t>(problem.batch), context.stream);
  });
}

}  // namespace

Implementation implementation() {
  return {
      .name = "cuda_sm80",
      .description = "mma.sync and cp.async, Ampere and later; bfloat16, float16, head dim 64, 128",
      .device = DeviceType::kCuda,
      .unavailable = unavailable,
      .declines = declines,
      .forward_workspace = [](const AttentionProblem&, int) { return std::size_t{0}; },
      .backward_workspace = [](const AttentionProblem& problem,
                               int) { return 2 * rows_of(problem) * sizeof(float); },
      .forward = forward,
      .backward = backward};
}

}  // namespace radial::sm80
