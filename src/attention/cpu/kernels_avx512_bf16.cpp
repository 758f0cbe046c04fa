// AVX-512 with BF16: products of bfloat16 pairs by vdpbf16ps, sums in float32.

#include "attention/cpu/simd_avx512_bf16.h"

namespace radial::cpu {
namespace {

struct Simd : SimdAvx512Bf16 {
  static constexpr int kStepKeys = 512;
};

}  // namespace
}  // namespace radial::cpu

#include "attention/cpu/kernel_table.h"

namespace radial::cpu {

const Kernels& avx512_bf16_kernels() { return kTable; }

}  // namespace radial::cpu
