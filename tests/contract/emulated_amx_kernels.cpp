// The AMX kernels with tiles in memory: what each instruction does by Intel's Software Developer's
// Manual (TDPBF16PS: sums of even and of odd elements apart, by fused multiply-adds that round to
// nearest even and take and give zero for denormals), on any processor with AVX-512 BF16. Linked
// with --wrap, it stands in for the real kernels, so the contract's tests run them as cpu_amx.

#include <immintrin.h>

#include <cstdint>

namespace radial::cpu {
namespace {

struct EmulatedState {
  bool configured;
  alignas(64) std::uint32_t tiles[8][16][16];
};
// Plain data, so that no function of the C++ runtime comes along with these instructions.
__thread EmulatedState emulated;

struct Tiles {
  static void configure() {
    __builtin_memset(&emulated, 0, sizeof(emulated));
    emulated.configured = true;
  }
  static void release() { emulated.configured = false; }

  template <int kTile>
  static void zero() {
    trap_without_tiles();
    __builtin_memset(emulated.tiles[kTile], 0, sizeof(emulated.tiles[kTile]));
  }
  template <int kTile>
  static void load(const void* from, std::int64_t stride) {
    trap_without_tiles();
    for (int row = 0; row < 16; ++row) {
      __builtin_memcpy(emulated.tiles[kTile][row], static_cast<const char*>(from) + row * stride,
                       64);
    }
  }
  template <int kTile>
  static void load_once(const void* from, std::int64_t stride) {
    load<kTile>(from, stride);
  }
  template <int kTile>
  static void store(void* to, std::int64_t stride) {
    trap_without_tiles();
    for (int row = 0; row < 16; ++row) {
      __builtin_memcpy(static_cast<char*>(to) + row * stride, emulated.tiles[kTile][row], 64);
    }
  }
  template <int kSum, int kA, int kB>
  static void dot() {
    trap_without_tiles();
    const unsigned int mode = _mm_getcsr();
    _mm_setcsr(0x1f80 | 0x8040);  // no exceptions, round to nearest even, denormals are zero
    for (int row = 0; row < 16; ++row) {
      __m512 even = _mm512_setzero_ps(), odd = even;
      for (int k = 0; k < 16; ++k) {
        const std::uint32_t a = emulated.tiles[kA][row][k];
        const __m512i b = _mm512_load_si512(emulated.tiles[kB][k]);
        even = _mm512_fmadd_ps(float_of(_mm512_set1_epi32(static_cast<int>(a << 16))),
                               float_of(_mm512_slli_epi32(b, 16)), even);
        const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
        odd = _mm512_fmadd_ps(float_of(_mm512_set1_epi32(static_cast<int>(a & 0xffff0000u))),
                              float_of(_mm512_and_si512(b, upper)), odd);
      }
      void* const sum = emulated.tiles[kSum][row];
      _mm512_store_ps(sum, _mm512_add_ps(_mm512_load_ps(sum), _mm512_add_ps(even, odd)));
    }
    _mm_setcsr(mode);
  }

 private:
  static __m512 float_of(__m512i bits) { return _mm512_castsi512_ps(bits); }
  /// As the processor does for a tile instruction before ldtilecfg.
  static void trap_without_tiles() {
    if (!emulated.configured) __builtin_trap();
  }
};

}  // namespace
}  // namespace radial::cpu

#include "attention/cpu/amx_kernels.h"

namespace radial::cpu {

const Kernels& emulated_amx_kernels() asm("__wrap__ZN6radial3cpu11amx_kernelsEv");
const Kernels& emulated_amx_kernels() { return kTable; }

}  // namespace radial::cpu
