#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <utility>

#include "attention/cuda/common/cuda_check.h"

namespace radial {

/// Makes `device_index` the thread's GPU until the end of the scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device_index) : chosen_(device_index) {
    RADIAL_CUDA_CHECK(cudaGetDevice(&previous_));
    if (previous_ != chosen_) RADIAL_CUDA_CHECK(cudaSetDevice(chosen_));
  }
  ~DeviceGuard() {
    if (previous_ != chosen_) static_cast<void>(cudaSetDevice(previous_));
  }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int chosen_;
  int previous_ = 0;
};

/// Read-only numbers in the memory of the current GPU, freed with this object.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  /// Copies `values`; nothing is taken for an empty span.
  explicit DeviceArray(std::span<const T> values) : size_(values.size()) {
    if (values.empty()) return;
    void* memory = nullptr;
    RADIAL_CUDA_CHECK(cudaMalloc(&memory, values.size_bytes()));
    data_ = static_cast<T*>(memory);
    const cudaError_t status =
        cudaMemcpy(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice);
    if (status != cudaSuccess) release();
    RADIAL_CUDA_CHECK(status);
  }
  DeviceArray(DeviceArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceArray() { release(); }

  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }

 private:
  void release() { static_cast<void>(cudaFree(std::exchange(data_, nullptr))); }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace radial
