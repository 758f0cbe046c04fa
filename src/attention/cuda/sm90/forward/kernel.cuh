#pragma once

#include "attention/cuda/sm90/forward/consumer.cuh"
#include "attention/cuda/sm90/forward/producer.cuh"

namespace radial::sm90 {

/// Block-sparse attention forward. Persistent: as many thread blocks as the GPU holds; the first
/// warpgroup loads, the others compute.
template <typename Config>
__global__ void __launch_bounds__(Config::kThreads, 1)
    forward_kernel(const __grid_constant__ ForwardKernelParams p) {
  extern __shared__ unsigned char memory[];
  const std::uint32_t misaligned = shared_address(memory) & 1023;
  auto& shared = *reinterpret_cast<ForwardStorage<Config>*>(memory + (-misaligned & 1023));

  if (threadIdx.x == 0) {
    prefetch_map(p.q);
    prefetch_map(p.k);
    prefetch_map(p.v);
    shared.init_barriers();
  }
  __syncthreads();
  if (p.cut_work > 0) launch_dependents();  // merge_parts_kernel, which waits

  const int warpgroup = __shfl_sync(0xffffffffu, threadIdx.x / 128, 0);
  if (warpgroup == 0) {
    shrink_registers<Config::kProducerRegisters>();
    if (threadIdx.x == 0) ProducerState<Config>{p, shared}.run();
  } else {
    grow_registers<Config::kConsumerRegisters>();
    Consumer<Config>{p, shared, warpgroup - 1, threadIdx.x % 32 == 0}.run();
  }
}

}  // namespace radial::sm90
