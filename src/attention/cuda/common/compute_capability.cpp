#include "attention/cuda/common/compute_capability.h"

#include <cuda_runtime_api.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "attention/cuda/common/cuda_check.h"

namespace radial {
namespace {

/// A figure of each GPU that is asked for once: every call of attention wants it.
class DeviceFigure {
 public:
  /// `query()` on the first call for `device`, 0 standing for unknown.
  template <typename Query>
  int of(int device, Query&& query) {
    const auto place = static_cast<std::size_t>(device);
    if (place >= known_.size()) return query();
    int value = known_[place].load(std::memory_order_relaxed);
    if (value == 0) known_[place].store(value = query(), std::memory_order_relaxed);
    return value;
  }

 private:
  std::array<std::atomic<int>, 64> known_ = {};
};

int queried_capability(int device) {
  int major = 0, minor = 0;
  const bool known =
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
  return known ? 10 * major + minor : 0;
}

}  // namespace

int compute_capability() {
  static DeviceFigure capabilities;
  int device = 0;
  const bool found = cudaGetDevice(&device) == cudaSuccess;
  const int capability =
      found ? capabilities.of(device, [&] { return queried_capability(device); }) : 0;
  // Leave no error behind for the next call.
  if (capability == 0) static_cast<void>(cudaGetLastError());
  return capability;
}

int multiprocessors_of(int device) {
  static DeviceFigure counts;
  return counts.of(device, [&] {
    int count = 0;
    RADIAL_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
    return count;
  });
}

}  // namespace radial
