// Vectors of four floats by the compiler's extension, whatever the processor has; bfloat16 and
// float16 are widened when packed.

#include "attention/cpu/exp2_polynomial.h"
#include "attention/cpu/kernels.h"
#include "base/number_types.h"

namespace radial::cpu {
namespace {

struct Simd {
  typedef float Vec __attribute__((vector_size(16)));
  typedef std::int32_t IntVec __attribute__((vector_size(16)));
  static constexpr int kWidth = 4;
  static constexpr int kRows = 6;  // 12 sums, 2 columns and a broadcast fill 15 of 16 registers
  static constexpr int kVectors = 2;
  static constexpr int kDepthStep = 1;
  static constexpr int kPairs = 1;
  static constexpr int kStepKeys = 256;

  static Vec load(const float* from) {
    Vec value;
    __builtin_memcpy(&value, from, sizeof(value));
    return value;
  }
  static void store(float* to, Vec value) { __builtin_memcpy(to, &value, sizeof(value)); }
  static Vec set(float value) { return Vec{value, value, value, value}; }
  /// The second operand where either is NaN.
  static Vec max(Vec a, Vec b) { return a > b ? a : b; }
  static float first_lane(Vec value) { return value[0]; }
  static float largest_lane(Vec value) {
    float largest = value[0];
    for (int i = 1; i < kWidth; ++i) largest = value[i] > largest ? value[i] : largest;
    return largest;
  }
  static float sum_of_lanes(Vec value) { return (value[0] + value[2]) + (value[1] + value[3]); }
  /// `value` in the first `count` lanes (all for more, none for fewer than 1), else `other`.
  static Vec first_lanes(int count, Vec value, float other) {
    const IntVec keep = IntVec{0, 1, 2, 3} < IntVec{count, count, count, count};
    return keep ? value : set(other);
  }

  static Vec load_units(const Unit* from) {
    Vec value;
    __builtin_memcpy(&value, from, sizeof(value));
    return value;
  }
  static Vec broadcast_unit(const Unit* from) {
    float value;
    __builtin_memcpy(&value, from, sizeof(value));
    return set(value);
  }
  static Vec dot(Vec sum, Vec a, Vec b) { return sum + a * b; }
  static void store_elements(Unit* to, Vec value) { __builtin_memcpy(to, &value, sizeof(value)); }
  static void store_units(Unit* to, Vec value, Vec) { store_elements(to, value); }

  /// 2^x by a polynomial in the fraction of x, within [-1/2, 1/2]; 0 below -126, inf above 127.5,
  /// NaN stays NaN.
  static Vec exp2(Vec x) {
    const Vec least = set(-126.0f), most = set(128.0f);
    Vec clamped = x < least ? least : x;
    clamped = clamped > most ? most : clamped;
    const Vec rounder = set(0x1.8p23f);  // adding it leaves the nearest integer in the low bits
    const Vec shifted = clamped + rounder;
    const Vec fraction = clamped - (shifted - rounder);
    Vec p = set(kExp2Degree6[6]);
    for (int i = 5; i >= 0; --i) p = p * fraction + kExp2Degree6[i];
    const IntVec exponent = (reinterpret_cast<IntVec>(shifted) + 127) << 23;
    const Vec power = p * reinterpret_cast<Vec>(exponent);
    return x < least ? set(0.0f) : power;
  }

  static Vec load_bfloat16(const std::uint16_t* from) {
    return Vec{to_float(BFloat16{from[0]}), to_float(BFloat16{from[1]}),
               to_float(BFloat16{from[2]}), to_float(BFloat16{from[3]})};
  }
  static Vec load_float16(const std::uint16_t* from) {
    return Vec{to_float(Float16{from[0]}), to_float(Float16{from[1]}), to_float(Float16{from[2]}),
               to_float(Float16{from[3]})};
  }
  static void store_bfloat16(std::uint16_t* to, Vec value) {
    for (int i = 0; i < kWidth; ++i) to[i] = from_float<BFloat16>(value[i]).bits;
  }
  static void store_float16(std::uint16_t* to, Vec value) {
    for (int i = 0; i < kWidth; ++i) to[i] = from_float<Float16>(value[i]).bits;
  }
};

}  // namespace
}  // namespace radial::cpu

#include "attention/cpu/kernel_table.h"

namespace radial::cpu {

const Kernels& portable_kernels() { return kTable; }

}  // namespace radial::cpu
