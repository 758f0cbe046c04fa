#include "support/far_tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace radial::testing {
namespace {

constexpr std::int64_t kBeyond = std::int64_t{1} << 31;

std::byte* at(const TensorView& view, std::int64_t b, std::int64_t token, std::int64_t head) {
  const std::int64_t place = b * view.strides[0] + token * view.strides[1] + head * view.strides[2];
  return static_cast<std::byte*>(view.data) +
         place * static_cast<std::int64_t>(size_of(view.dtype));
}

void copy_rows(const TensorView& from, const TensorView& to) {
  const auto& sizes = from.sizes;
  const auto row = static_cast<std::size_t>(sizes[3]) * size_of(from.dtype);
  for (std::int64_t b = 0; b < sizes[0]; ++b) {
    for (std::int64_t token = 0; token < sizes[1]; ++token) {
      for (std::int64_t head = 0; head < sizes[2]; ++head) {
        std::memcpy(at(to, b, token, head), at(from, b, token, head), row);
      }
    }
  }
}

}  // namespace

std::array<std::int64_t, 4> far_strides(const std::array<std::int64_t, 4>& sizes, Far far) {
  const auto [batch, tokens, heads, head_dim] = sizes;
  // Of many entries the last eighth lies beyond, of few the last one. Multiples of 8 elements keep
  // rows aligned to 16 bytes.
  const auto far_stride = [](std::int64_t count) {
    const std::int64_t steps = std::max<std::int64_t>(1, count - 1 - count / 8);
    return (kBeyond / steps / 8 + 1) * 8;
  };
  switch (far) {
    case Far::kBatch:
      return {far_stride(batch), heads * head_dim, head_dim, 1};
    case Far::kTokens:
      return {heads * head_dim, far_stride(tokens), head_dim, 1};
    case Far::kHeads:
      return {tokens * head_dim, head_dim, far_stride(heads), 1};
    case Far::kNone:
      break;
  }
  return {tokens * heads * head_dim, heads * head_dim, head_dim, 1};
}

std::int64_t elements_spanned(const TensorView& view) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < 4; ++i) last += (view.sizes[i] - 1) * view.strides[i];
  return last + 1;
}

FarTensor::FarTensor(const HostTensor& near, Far far) : view_(near.view) {
  view_.strides = far_strides(near.view.sizes, far);
  bytes_ = static_cast<std::size_t>(elements_spanned(view_)) * size_of(view_.dtype);
  void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw ShortOfMemory("no address space for " + std::to_string(bytes_ >> 20) + " MiB");
  }
  // Pages of 2 MB would take hundreds of times what the rows hold.
  static_cast<void>(madvise(memory, bytes_, MADV_NOHUGEPAGE));
  view_.data = memory;
  TensorView source = near.view;
  source.data = const_cast<std::byte*>(near.memory.data());
  copy_rows(source, view_);
}

FarTensor::~FarTensor() { munmap(view_.data, bytes_); }

void FarTensor::copy_back(HostTensor& near) const {
  TensorView target = near.view;
  target.data = near.memory.data();
  copy_rows(view_, target);
}

}  // namespace radial::testing
