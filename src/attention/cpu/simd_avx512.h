#pragma once

#include <immintrin.h>

#include "attention/cpu/exp2_polynomial.h"
#include "attention/cpu/kernels.h"

namespace radial::cpu {
namespace {

/// What the two AVX-512 kernels have in common.
struct SimdAvx512 {
  using Vec = __m512;
  static constexpr int kWidth = 16;
  static constexpr int kRows = 6;  // 24 sums, 4 columns and a broadcast fill 29 of 32 registers
  static constexpr int kVectors = 4;
  static constexpr int kDepthStep = 1;

  static Vec load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, Vec value) { _mm512_storeu_ps(to, value); }
  static Vec set(float value) { return _mm512_set1_ps(value); }
  /// The second operand where either is NaN.
  static Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
  static float first_lane(Vec value) { return _mm512_cvtss_f32(value); }
  static float largest_lane(Vec value) { return _mm512_reduce_max_ps(value); }
  static float sum_of_lanes(Vec value) { return _mm512_reduce_add_ps(value); }
  /// `value` in the first `count` lanes (all for more, none for fewer than 1), else `other`.
  static Vec first_lanes(int count, Vec value, float other) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __mmask16 keep = _mm512_cmplt_epi32_mask(lanes, _mm512_set1_epi32(count));
    return _mm512_mask_blend_ps(keep, _mm512_set1_ps(other), value);
  }

  static Vec load_bfloat16(const std::uint16_t* from) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static Vec load_float16(const std::uint16_t* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static void store_float16(std::uint16_t* to, Vec value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
  }

  /// 2^x by the polynomial of exp2_polynomial.h in the fraction of x, within [-1/2, 1/2]; 0 below
  /// -200, NaN stays NaN.
  static Vec exp2_of_degree_6(Vec x) {
    const Range range = reduce(x);
    Vec p = _mm512_set1_ps(kExp2Degree6[6]);
    for (int i = 5; i >= 0; --i) {
      p = _mm512_fmadd_ps(p, range.fraction, _mm512_set1_ps(kExp2Degree6[i]));
    }
    return _mm512_scalef_ps(p, range.whole);
  }
  static Vec exp2_of_degree_4(Vec x) {
    const Range range = reduce(x);
    Vec p = _mm512_set1_ps(kExp2Degree4[4]);
    for (int i = 3; i >= 0; --i) {
      p = _mm512_fmadd_ps(p, range.fraction, _mm512_set1_ps(kExp2Degree4[i]));
    }
    return _mm512_scalef_ps(p, range.whole);
  }

 private:
  struct Range {
    Vec whole, fraction;
  };
  static Range reduce(Vec x) {
    // max returns its second operand where one is NaN, so NaN goes through.
    const Vec clamped = _mm512_max_ps(_mm512_set1_ps(-200.0f), x);
    const Vec whole = _mm512_roundscale_ps(clamped, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return {whole, _mm512_sub_ps(clamped, whole)};
  }
};

}  // namespace
}  // namespace radial::cpu
