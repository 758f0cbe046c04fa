// AVX2 with FMA and F16C: float32 products; bfloat16 and float16 are widened when packed.

#include <immintrin.h>

#include "attention/cpu/exp2_polynomial.h"
#include "attention/cpu/kernels.h"

namespace radial::cpu {
namespace {

struct Simd {
  using Vec = __m256;
  static constexpr int kWidth = 8;
  static constexpr int kRows = 6;  // 12 sums, 2 columns and a broadcast fill 15 of 16 registers
  static constexpr int kVectors = 2;
  static constexpr int kDepthStep = 1;
  static constexpr int kPairs = 1;
  static constexpr int kStepKeys = 256;

  static Vec load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, Vec value) { _mm256_storeu_ps(to, value); }
  static Vec set(float value) { return _mm256_set1_ps(value); }
  /// The second operand where either is NaN.
  static Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
  static float first_lane(Vec value) { return _mm256_cvtss_f32(value); }
  static float largest_lane(Vec value) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  static float sum_of_lanes(Vec value) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  /// `value` in the first `count` lanes (all for more, none for fewer than 1), else `other`.
  static Vec first_lanes(int count, Vec value, float other) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i keep = _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes);
    return _mm256_blendv_ps(_mm256_set1_ps(other), value, _mm256_castsi256_ps(keep));
  }

  static Vec load_units(const Unit* from) {
    return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static Vec broadcast_unit(const Unit* from) {
    float value;
    __builtin_memcpy(&value, from, sizeof(value));
    return _mm256_set1_ps(value);
  }
  static Vec dot(Vec sum, Vec a, Vec b) { return _mm256_fmadd_ps(a, b, sum); }
  static void store_elements(Unit* to, Vec value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_castps_si256(value));
  }
  static void store_units(Unit* to, Vec value, Vec) { store_elements(to, value); }

  /// 2^x by a polynomial in the fraction of x, within [-1/2, 1/2]; 0 below -126, inf above 127.5,
  /// NaN stays NaN.
  static Vec exp2(Vec x) {
    const Vec least = _mm256_set1_ps(-126.0f);
    // max and min return their second operand where one is NaN, so NaN goes through.
    const Vec clamped = _mm256_min_ps(_mm256_set1_ps(128.0f), _mm256_max_ps(least, x));
    const Vec whole = _mm256_round_ps(clamped, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Vec fraction = _mm256_sub_ps(clamped, whole);
    Vec p = _mm256_set1_ps(kExp2Degree6[6]);
    for (int i = 5; i >= 0; --i) {
      p = _mm256_fmadd_ps(p, fraction, _mm256_set1_ps(kExp2Degree6[i]));
    }
    const __m256i exponent =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
    const Vec power = _mm256_mul_ps(p, _mm256_castsi256_ps(exponent));
    return _mm256_andnot_ps(_mm256_cmp_ps(x, least, _CMP_LT_OQ), power);
  }

  static Vec load_bfloat16(const std::uint16_t* from) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static Vec load_float16(const std::uint16_t* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static void store_bfloat16(std::uint16_t* to, Vec value) {
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    const __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), packed);
  }
  static void store_float16(std::uint16_t* to, Vec value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
  }
};

}  // namespace
}  // namespace radial::cpu

#include "attention/cpu/kernel_table.h"

namespace radial::cpu {

const Kernels& avx2_kernels() { return kTable; }

}  // namespace radial::cpu
