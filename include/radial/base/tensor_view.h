#pragma once

#include <array>
#include <cstdint>

#include "radial/base/dtype.h"

namespace radial {

enum class DeviceType : std::uint8_t { kCpu, kCuda };

struct Device {
  DeviceType type = DeviceType::kCpu;
  int index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

/// A non-owning view of a four-dimensional tensor [B, S, H, D]: batch, tokens, heads, head dim.
/// Strides count elements; the last must be 1. BHSD memory is the same view with other strides.
template <typename Pointer>
struct BasicTensorView {
  Pointer data = nullptr;
  DType dtype = DType::kFloat32;
  Device device = {};
  std::array<std::int64_t, 4> sizes = {0, 0, 0, 0};
  std::array<std::int64_t, 4> strides = {0, 0, 0, 0};
};

using TensorView = BasicTensorView<void*>;
using ConstTensorView = BasicTensorView<const void*>;

/// The same view, read-only.
constexpr ConstTensorView as_const(const TensorView& view) {
  return {view.data, view.dtype, view.device, view.sizes, view.strides};
}

/// View of contiguous BSHD memory.
template <typename Pointer>
constexpr BasicTensorView<Pointer> contiguous_view(Pointer data, DType dtype,
                                                   std::array<std::int64_t, 4> sizes,
                                                   Device device = {}) {
  return {data,
          dtype,
          device,
          sizes,
          {sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1}};
}

}  // namespace radial
