#include "attention/cpu/cpu_features.h"

#include <cpuid.h>
#ifdef __linux__
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <cstring>
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

// Neither GCC 12 nor Clang 14 has builtins for what follows.

unsigned int features_of_leaf_7() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 ? edx : 0;
}

/// Does the operating system save the tiles and their configuration (XCR0, bits 17 and 18)?
bool saves_tiles() {
  unsigned int low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low >> 17 & 3) == 3;
}

/// Why Linux does not let this process use the tiles, which a process must ask for; empty if it
/// does.
std::string refused_tiles() {
#ifdef __linux__
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM, since Linux 5.16
  constexpr int kTileData = 18;               // component of the state
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0) return {};
  return std::string("the operating system refuses AMX tiles: ") + std::strerror(errno);
#else
  return "AMX tiles are only used on Linux";
#endif
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

std::string missing_for_amx() {
  static const std::string reason = [] {
    const std::string base = missing_for_avx512_bf16();
    if (!base.empty()) return base;
    const unsigned int features = features_of_leaf_7();
    std::string lacks =
        missing({{"AMX-BF16", (features >> 22 & 1) != 0}, {"AMX-TILE", (features >> 24 & 1) != 0}});
    if (!lacks.empty()) return lacks;
    if (!saves_tiles()) return std::string("the operating system does not save AMX tiles");
    return refused_tiles();
  }();
  return reason;
}

}  // namespace radial::cpu
