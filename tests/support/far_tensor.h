#pragma once

#include <stdexcept>

#include "support/problem.h"

// Tensors whose last entries lie beyond 2^31 elements, where 32-bit offsets go wrong.

namespace radial::testing {

/// The dimension whose stride is large.
enum class Far { kNone, kBatch, kTokens, kHeads };

/// The machine lacks the memory that a far tensor takes.
class ShortOfMemory : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Strides of a tensor [B, S, H, D] under which at least the last entry of the dimension starts
/// beyond 2^31 elements (none does if it has one entry).
std::array<std::int64_t, 4> far_strides(const std::array<std::int64_t, 4>& sizes, Far far);

/// Elements from the first to the last of the view.
std::int64_t elements_spanned(const TensorView& view);

/// A copy of a tensor on the host with far strides. Memory is reserved, not taken: only pages that
/// hold rows count. Throws ShortOfMemory.
class FarTensor {
 public:
  FarTensor(const HostTensor& near, Far far);
  ~FarTensor();
  FarTensor(const FarTensor&) = delete;
  FarTensor& operator=(const FarTensor&) = delete;

  const TensorView& view() const { return view_; }
  void copy_back(HostTensor& near) const;

 private:
  TensorView view_;
  std::size_t bytes_ = 0;
};

}  // namespace radial::testing
