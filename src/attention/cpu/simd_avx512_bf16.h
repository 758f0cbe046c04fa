#pragma once

#include "attention/cpu/simd_avx512.h"

namespace radial::cpu {
namespace {

/// AVX-512 with BF16: elements are bfloat16, in pairs.
struct SimdAvx512Bf16 : SimdAvx512 {
  static constexpr int kPairs = 2;

  static Vec load_units(const Unit* from) { return _mm512_loadu_ps(from); }
  static Vec broadcast_unit(const Unit* from) {
    return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(*from)));
  }
  static Vec dot(Vec sum, Vec a, Vec b) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static Vec exp2(Vec x) { return exp2_of_degree_4(x); }
  static void store_elements(Unit* to, Vec value) {
    store_bfloat16(reinterpret_cast<std::uint16_t*>(to), value);
  }
  /// Pairs (first, second) of 16 columns, rounded.
  static void store_units(Unit* to, Vec first, Vec second) {
    const __m512i low = _mm512_cvtepu16_epi32(round(first));
    const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(round(second)), 16);
    _mm512_storeu_si512(to, _mm512_or_si512(low, high));
  }
  static void store_bfloat16(std::uint16_t* to, Vec value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), round(value));
  }

 private:
  static __m256i round(Vec value) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)); }
};

}  // namespace
}  // namespace radial::cpu
