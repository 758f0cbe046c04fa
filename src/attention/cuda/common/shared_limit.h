#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdint>

#include "attention/cuda/common/cuda_check.h"

namespace radial {

/// Lets a kernel take more shared memory than the usual 48 KiB. The limit is of a kernel and a GPU
/// and lasts, so the driver is asked once for each; one object for each kernel.
class SharedLimit {
 public:
  template <typename Kernel>
  void raise(Kernel* kernel, int bytes) {
    int device = 0;
    RADIAL_CUDA_CHECK(cudaGetDevice(&device));
    const std::uint64_t bit = device < 64 ? std::uint64_t{1} << device : 0;
    if (raised_.load(std::memory_order_relaxed) & bit) return;
    RADIAL_CUDA_CHECK(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    raised_.fetch_or(bit, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> raised_ = 0;
};

}  // namespace radial
