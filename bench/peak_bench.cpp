// What this processor's multiply-add instructions can do at most: chains that stay in registers,
// one after another for each instruction set it has, on one thread and on all. Attention cannot be
// faster than this; how near it comes is the roofline of docs/performance.md.

#include <benchmark/benchmark.h>

#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>

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

void add(const char* name, bool available, void (*run)(benchmark::State&)) {
  if (!available) return;
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  auto* const added = benchmark::RegisterBenchmark(name, run)->UseRealTime()->Threads(1);
  if (processors > 1) added->Threads(processors);
}

void add_all() {
  __builtin_cpu_init();
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
