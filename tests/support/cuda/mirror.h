#pragma once

#include <cuda_runtime_api.h>

#include "support/far_tensor.h"

namespace radial::testing {

/// Memory of the current GPU, freed with this object. Throws ShortOfMemory where there is too
/// little.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes);
  ~DeviceMemory() { static_cast<void>(cudaFree(data_)); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// Every byte becomes 0xff: NaN to whoever reads before writing.
  void poison(cudaStream_t stream = nullptr);

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A tensor of the host with its copy on the GPU, gaps and all, or with far strides.
class Mirror {
 public:
  Mirror(const HostTensor& tensor, Far far);
  const TensorView& view() const { return view_; }
  /// What the constructor did, again.
  void copy_there(const HostTensor& tensor) const;
  void copy_back(HostTensor& tensor) const;

 private:
  enum class Way { kThere, kBack };
  void copy_rows(const TensorView& host, Way way) const;

  Far far_;
  DeviceMemory memory_;
  TensorView view_;
};

}  // namespace radial::testing
