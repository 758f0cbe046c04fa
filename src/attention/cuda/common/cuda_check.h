#pragma once

#include <cuda_runtime_api.h>

#include "radial/base/error.h"

namespace radial::cuda {

/// Throws CudaError with the call, its code and its text unless `status` is success.
inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw CudaError(concat(call, ": ", cudaGetErrorName(status), " (", static_cast<int>(status),
                         "), ", cudaGetErrorString(status)));
}

}  // namespace radial::cuda

#define RADIAL_CUDA_CHECK(call) ::radial::cuda::check((call), #call)
