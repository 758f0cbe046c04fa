// AVX-512 (F, BW, VL, DQ): float32 products; bfloat16 and float16 are widened when packed.

#include "attention/cpu/simd_avx512.h"

namespace radial::cpu {
namespace {

struct Simd : SimdAvx512 {
  static constexpr int kPairs = 1;
  static constexpr int kStepKeys = 256;

  static Vec load_units(const Unit* from) { return _mm512_loadu_ps(from); }
  static Vec broadcast_unit(const Unit* from) {
    float value;
    __builtin_memcpy(&value, from, sizeof(value));
    return _mm512_set1_ps(value);
  }
  static Vec dot(Vec sum, Vec a, Vec b) { return _mm512_fmadd_ps(a, b, sum); }
  static Vec exp2(Vec x) { return exp2_of_degree_6(x); }
  static void store_elements(Unit* to, Vec value) { _mm512_storeu_ps(to, value); }
  static void store_units(Unit* to, Vec value, Vec) { _mm512_storeu_ps(to, value); }
  static void store_bfloat16(std::uint16_t* to, Vec value) {
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    const __m512i upper = _mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(upper));
  }
};

}  // namespace
}  // namespace radial::cpu

#include "attention/cpu/kernel_table.h"

namespace radial::cpu {

const Kernels& avx512_kernels() { return kTable; }

}  // namespace radial::cpu
