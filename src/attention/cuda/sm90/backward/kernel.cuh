#pragma once

#include "attention/cuda/sm90/backward/config.h"
#include "attention/cuda/sm90/backward/dq_writer.cuh"
#include "attention/cuda/sm90/backward/narrow_consumer.cuh"
#include "attention/cuda/sm90/backward/producer.cuh"
#include "attention/cuda/sm90/backward/wide_consumer.cuh"

namespace radial::sm90 {

// dQ, dK and dV of attention over the kept blocks, deterministic.
//
// A CTA takes columns (a key block of one key head) from a list and keeps K and V of a column in
// shared memory and dK and dV in registers while it walks the column's query blocks.
//
//   warp 0           Producer   K, V; per tile Q, dO, lse, delta -> shared memory
//   warps 1 to 3     DqWriter   units of dQ: shared memory -> sums in global memory, in turn
//   warpgroups 1, 2  WideConsumer (D = 128), NarrowConsumer (D = 64)
//                               all five products; each owns 64 of the 128 keys
//
// 384 threads; 24 registers a thread in the first warpgroup, 240 in the others; 225 KiB of shared
// memory at D = 128, one CTA per multiprocessor. Measured on an H100 at 18 frames of 48 x 80
// tokens, released-v2 with decay 0.2, 12 heads, D = 128, bf16, at the power limit: 578 TFLOP/s over
// the kept blocks (620 from idle), 24 heads of D = 64: 502 (572). Shared memory's
// bandwidth and the latency of the steps between products take the rest: docs/performance.md.
template <typename Config>
__global__ void __launch_bounds__(Config::kThreads, 1)
    backward_kernel(const __grid_constant__ BackwardKernelParams p) {
  extern __shared__ unsigned char shared_memory[];
  auto& shared = *reinterpret_cast<SharedStorage<Config>*>(
      shared_memory + ((1024 - (shared_address(shared_memory) & 1023)) & 1023));
  if (threadIdx.x == 0) shared.init_barriers();
  __syncthreads();

  const int warpgroup = __shfl_sync(0xFFFFFFFF, threadIdx.x / 128, 0);
  if (warpgroup == 0) {
    shrink_registers<Config::kProducerRegisters>();
    static_assert(Config::kDqStages == 3, "one warp for each dQ buffer");
    const int warp = __shfl_sync(0xFFFFFFFF, threadIdx.x / 32, 0);
    if (threadIdx.x % 32 != 0) return;
    if (warp == 0) Producer<Config>{p, shared}.run();
    if (warp > 0) DqWriter<Config>{p, shared, static_cast<std::uint32_t>(warp - 1)}.run();
  } else {
    grow_registers<Config::kConsumerRegisters>();
    if constexpr (Config::kWide) {
      WideConsumer<Config>(p, shared, warpgroup - 1).run();
    } else {
      NarrowConsumer<Config>(p, shared, warpgroup - 1).run();
    }
  }
}

}  // namespace radial::sm90
