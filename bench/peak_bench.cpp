// What this processor's multiply-add instructions can do at most: chains that stay in registers,
// one after another for each instruction set it has, on one thread and on all. Attention cannot be
// faster than this; how near it comes is the roofline of docs/performance.md.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <iostream>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>

#include "attention/cpu/amx_tiles.h"
#include "attention/cpu/cpu_features.h"

namespace {

constexpr int kRepeats = 1000;

void count(benchmark::State& state, int chains, double flops_of_instruction) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      flops_of_instruction / 1e9 * chains * kRepeats * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}

// Written out per instruction set: a template would lose the functions' target. The empty assembly
// says that a sum changes, so no chain is folded. Chains: more than latency times instructions a
// cycle.
#define RADIAL_CHAINS(REGISTER, STEP)                             \
  for (auto _ : state) {                                          \
    for (int repeat = 0; repeat < kRepeats; ++repeat) {           \
      _Pragma("GCC unroll 24") for (int i = 0; i < chains; ++i) { \
        STEP;                                                     \
        asm volatile("" : "+" REGISTER(sums[i]));                 \
      }                                                           \
    }                                                             \
  }

__attribute__((target("avx512f,avx512bf16"))) void avx512_bf16(benchmark::State& state) {
  constexpr int chains = 24;
  __m512 sums[chains] = {};
  const __m512bh one = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1e-3f), _mm512_set1_ps(1e-3f));
  RADIAL_CHAINS("v", sums[i] = _mm512_dpbf16_ps(sums[i], one, one))
  count(state, chains, 64);
}

__attribute__((target("avx512f"))) void avx512(benchmark::State& state) {
  constexpr int chains = 24;
  __m512 sums[chains] = {};
  const __m512 one = _mm512_set1_ps(1e-3f);
  RADIAL_CHAINS("v", sums[i] = _mm512_fmadd_ps(one, one, sums[i]))
  count(state, chains, 32);
}

__attribute__((target("avx2,fma"))) void avx2(benchmark::State& state) {
  constexpr int chains = 12;  // of sixteen registers
  __m256 sums[chains] = {};
  const __m256 one = _mm256_set1_ps(1e-3f);
  RADIAL_CHAINS("x", sums[i] = _mm256_fmadd_ps(one, one, sums[i]))
  count(state, chains, 16);
}

/// Tiles of bfloat16, none zero: zeros would draw less power.
struct Operands {
  alignas(64) std::uint16_t tiles[4][512];
  Operands() {
    for (int i = 0; i < 4 * 512; ++i) {
      tiles[i / 512][i % 512] = static_cast<std::uint16_t>(0x3a00 + i * 37 % 128);
    }
  }
};

/// Four sums and two operands on each side, as many as there are tiles; each product waits for the
/// last but three.
void amx_bf16(benchmark::State& state) {
  using radial::cpu::Tiles;
  const Operands operands;
  Tiles::configure();
  Tiles::load<4>(operands.tiles[0], 64);
  Tiles::load<5>(operands.tiles[1], 64);
  Tiles::load<6>(operands.tiles[2], 64);
  Tiles::load<7>(operands.tiles[3], 64);
  for (auto _ : state) {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      Tiles::dot<0, 4, 6>();
      Tiles::dot<1, 4, 7>();
      Tiles::dot<2, 5, 6>();
      Tiles::dot<3, 5, 7>();
    }
  }
  Tiles::release();
  count(state, 4, 2 * 16 * 16 * 32);
}

/// The same with each operand loaded from the nearest cache, as attention does.
void amx_bf16_with_loads(benchmark::State& state) {
  using radial::cpu::Tiles;
  const Operands operands;
  Tiles::configure();
  for (auto _ : state) {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      Tiles::load<4>(operands.tiles[0], 64);
      Tiles::load<6>(operands.tiles[1], 64);
      Tiles::dot<0, 4, 6>();
      Tiles::load<5>(operands.tiles[2], 64);
      Tiles::dot<2, 5, 6>();
      Tiles::load<7>(operands.tiles[3], 64);
      Tiles::dot<1, 4, 7>();
      Tiles::dot<3, 5, 7>();
    }
  }
  Tiles::release();
  count(state, 4, 2 * 16 * 16 * 32);
}

void add(const char* name, bool available, void (*run)(benchmark::State&)) {
  if (!available) return;
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  auto* const added = benchmark::RegisterBenchmark(name, run)->UseRealTime()->Threads(1);
  if (processors > 1) added->Threads(processors);
}

void add_all() {
  __builtin_cpu_init();
  const std::string lacks = radial::cpu::missing_for_amx();
  if (!lacks.empty()) std::cerr << "peak/amx_bf16: not run, " << lacks << "\n";
  add("peak/amx_bf16", lacks.empty(), amx_bf16);
  add("peak/amx_bf16_with_loads", lacks.empty(), amx_bf16_with_loads);
  add("peak/avx512_bf16", __builtin_cpu_supports("avx512bf16"), avx512_bf16);
  add("peak/avx512", __builtin_cpu_supports("avx512f"), avx512);
  add("peak/avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), avx2);
}

}  // namespace
#else
namespace {
void add_all() {}
}  // namespace
#endif

int main(int argc, char** argv) {
  add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
