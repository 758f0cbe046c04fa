#include "attention/cpu/cpu_features.h"

#include <cpuid.h>

#include <initializer_list>
#include <string_view>

namespace radial::cpu {
namespace {

struct Feature {
  std::string_view name;
  bool present;
};

std::string missing(std::initializer_list<Feature> features) {
  std::string names;
  for (const Feature& feature : features) {
    if (feature.present) continue;
    if (!names.empty()) names += ", ";
    names += feature.name;
  }
  return names.empty() ? names : "this processor lacks " + names;
}

// Clang's builtin knows this name only since version 16. That the operating system saves the
// registers follows from AVX2.
bool has_f16c() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace

// The builtins also ask whether the operating system saves the wide registers.

std::string missing_for_avx2() {
  __builtin_cpu_init();
  return missing({{"AVX2", __builtin_cpu_supports("avx2") != 0},
                  {"FMA", __builtin_cpu_supports("fma") != 0},
                  {"F16C", has_f16c()}});
}

std::string missing_for_avx512() {
  __builtin_cpu_init();
  return missing({{"AVX512F", __builtin_cpu_supports("avx512f") != 0},
                  {"AVX512BW", __builtin_cpu_supports("avx512bw") != 0},
                  {"AVX512VL", __builtin_cpu_supports("avx512vl") != 0},
                  {"AVX512DQ", __builtin_cpu_supports("avx512dq") != 0}});
}

std::string missing_for_avx512_bf16() {
  const std::string base = missing_for_avx512();
  if (!base.empty()) return base;
  return missing({{"AVX512_BF16", __builtin_cpu_supports("avx512bf16") != 0}});
}

}  // namespace radial::cpu
