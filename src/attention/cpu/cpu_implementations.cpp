#include "attention/cpu/cpu_implementations.h"

#include <array>

#include "attention/cpu/cpu_features.h"
#include "attention/cpu/drivers.h"
#include "radial/base/error.h"

namespace radial {
namespace {

std::string declines_problem(const AttentionProblem& problem) {
  if (problem.head_dim % 16 != 0 || problem.head_dim > 256) {
    return concat("head dim is ", problem.head_dim, ", it takes multiples of 16 up to 256");
  }
  if (problem.dtype == DType::kFloat64) return "takes float32, bfloat16 and float16, not float64";
  return {};
}

std::string declines_all_but_bfloat16(const AttentionProblem& problem) {
  if (problem.dtype != DType::kBFloat16) {
    return concat("takes bfloat16, not ", name_of(problem.dtype));
  }
  return declines_problem(problem);
}

/// The drivers with one instruction set's kernels.
template <const cpu::Kernels& (*kKernels)()>
constexpr Implementation implementation(std::string_view name, std::string_view description,
                                        std::string (*unavailable)(),
                                        std::string (*declines)(const AttentionProblem&)) {
  return {
      .name = name,
      .description = description,
      .device = DeviceType::kCpu,
      .unavailable = unavailable,
      .declines = declines,
      .forward_workspace =
          [](const AttentionProblem& problem, int num_threads) {
            return cpu::forward_workspace(kKernels(), problem, num_threads);
          },
      .backward_workspace =
          [](const AttentionProblem& problem, int num_threads) {
            return cpu::backward_workspace(kKernels(), problem, num_threads);
          },
      .forward = [](const ForwardParams& params,
                    const RunContext& context) { cpu::forward(kKernels(), params, context); },
      .backward = [](const BackwardParams& params,
                     const RunContext& context) { cpu::backward(kKernels(), params, context); },
  };
}

constexpr auto kImplementations = std::to_array({
#ifdef RADIAL_CPU_X86
    implementation<cpu::amx_kernels>("cpu_amx", "AMX, bfloat16 products with float32 sums on tiles",
                                     cpu::missing_for_amx, declines_all_but_bfloat16),
    implementation<cpu::avx512_bf16_kernels>(
        "cpu_avx512_bf16", "AVX-512 BF16, bfloat16 products with float32 sums",
        cpu::missing_for_avx512_bf16, declines_all_but_bfloat16),
    implementation<cpu::avx512_kernels>(
        "cpu_avx512", "AVX-512, float32 products; bfloat16 and float16 by conversion",
        cpu::missing_for_avx512, declines_problem),
    implementation<cpu::avx2_kernels>(
        "cpu_avx2", "AVX2 with FMA, float32 products; bfloat16 and float16 by conversion",
        cpu::missing_for_avx2, declines_problem),
#endif
    implementation<cpu::portable_kernels>(
        "cpu", "any processor, float32 products; bfloat16 and float16 by conversion",
        [] { return std::string(); }, declines_problem),
});

}  // namespace

std::span<const Implementation> cpu_implementations() { return kImplementations; }

}  // namespace radial
