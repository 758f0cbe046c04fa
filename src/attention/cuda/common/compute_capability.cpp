#include "attention/cuda/common/compute_capability.h"

#include <cuda_runtime_api.h>

namespace radial {

int compute_capability() {
  int device = 0, major = 0, minor = 0;
  const bool known =
      cudaGetDevice(&device) == cudaSuccess &&
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
  if (!known) static_cast<void>(cudaGetLastError());  // leave no error behind for the next call
  return known ? 10 * major + minor : 0;
}

}  // namespace radial
