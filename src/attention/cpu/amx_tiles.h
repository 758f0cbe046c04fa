#pragma once

#include <cstdint>

namespace radial::cpu {
namespace {

/// The tile registers of AMX: eight, each of 16 rows of 64 bytes. In assembly, since the compiler's
/// own tile functions do not say which memory they read and write, and stores before them can get
/// lost.
///
/// They belong to the thread. Between configure and release the kernel saves them at a switch of
/// threads and hands a signal's handler a frame that is 8 KiB larger, so a program that handles
/// signals on a stack of its own must size it by sysconf(_SC_MINSIGSTKSZ).
struct Tiles {
  static void configure() {
    struct alignas(64) Config {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static constexpr Config kConfig{};
    asm volatile("ldtilecfg %0" : : "m"(kConfig) : "memory");
  }
  static void release() { asm volatile("tilerelease" : : : "memory"); }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  /// Rows of 64 bytes, `stride` bytes apart.
  template <int kTile>
  static void load(const void* from, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  /// The same, with the hint that the memory is not read again soon.
  template <int kTile>
  static void load_once(const void* from, std::int64_t stride) {
    asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2"
                 :
                 : "r"(from), "r"(stride), "i"(kTile)
                 : "memory");
  }
  template <int kTile>
  static void store(void* to, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  /// sum[16, 16] float32 += a[16, 32] * b, bfloat16; b holds pairs of rows, [16, 16, 2].
  template <int kSum, int kA, int kB>
  static void dot() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kB));
  }
};

}  // namespace
}  // namespace radial::cpu
