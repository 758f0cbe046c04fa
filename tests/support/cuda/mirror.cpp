#include "support/cuda/mirror.h"

#include "attention/cuda/common/cuda_check.h"

namespace radial::testing {
namespace {

std::size_t bytes_on_device(const HostTensor& tensor, Far far) {
  if (far == Far::kNone) return tensor.memory.size();
  TensorView view = tensor.view;
  view.strides = far_strides(view.sizes, far);
  return static_cast<std::size_t>(elements_spanned(view)) * size_of(view.dtype);
}

}  // namespace

DeviceMemory::DeviceMemory(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  std::size_t free = 0, total = 0;
  RADIAL_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  if (bytes > free) {
    throw ShortOfMemory("needs " + std::to_string(bytes >> 20) + " MiB more of the GPU, " +
                        std::to_string(free >> 20) + " are free");
  }
  RADIAL_CUDA_CHECK(cudaMalloc(&data_, bytes));
}

void DeviceMemory::poison(cudaStream_t stream) {
  if (bytes_ > 0) RADIAL_CUDA_CHECK(cudaMemsetAsync(data_, 0xff, bytes_, stream));
}

Mirror::Mirror(const HostTensor& tensor, Far far)
    : far_(far), memory_(bytes_on_device(tensor, far)), view_(tensor.view) {
  view_.data = memory_.data();
  view_.device = {DeviceType::kCuda, 0};
  if (far != Far::kNone) view_.strides = far_strides(view_.sizes, far);
  copy_there(tensor);
}

void Mirror::copy_there(const HostTensor& tensor) const {
  if (far_ == Far::kNone) {
    RADIAL_CUDA_CHECK(
        cudaMemcpy(view_.data, tensor.memory.data(), tensor.memory.size(), cudaMemcpyHostToDevice));
    return;
  }
  TensorView host = tensor.view;
  host.data = const_cast<std::byte*>(tensor.memory.data());
  copy_rows(host, Way::kThere);
}

void Mirror::copy_back(HostTensor& tensor) const {
  if (far_ == Far::kNone) {
    RADIAL_CUDA_CHECK(
        cudaMemcpy(tensor.memory.data(), view_.data, tensor.memory.size(), cudaMemcpyDeviceToHost));
    return;
  }
  TensorView host = tensor.view;
  host.data = tensor.memory.data();
  copy_rows(host, Way::kBack);
}

void Mirror::copy_rows(const TensorView& host, Way way) const {
  const std::size_t size = size_of(host.dtype);
  const auto place = [&](const TensorView& view, std::int64_t b, std::int64_t token,
                         std::int64_t head) {
    const std::int64_t index =
        b * view.strides[0] + token * view.strides[1] + head * view.strides[2];
    return static_cast<std::byte*>(view.data) + static_cast<std::size_t>(index) * size;
  };
  for (std::int64_t b = 0; b < host.sizes[0]; ++b) {
    for (std::int64_t token = 0; token < host.sizes[1]; ++token) {
      for (std::int64_t head = 0; head < host.sizes[2]; ++head) {
        std::byte* const here = place(host, b, token, head);
        std::byte* const there = place(view_, b, token, head);
        const std::size_t row = static_cast<std::size_t>(host.sizes[3]) * size;
        RADIAL_CUDA_CHECK(way == Way::kThere
                              ? cudaMemcpy(there, here, row, cudaMemcpyHostToDevice)
                              : cudaMemcpy(here, there, row, cudaMemcpyDeviceToHost));
      }
    }
  }
}

}  // namespace radial::testing
