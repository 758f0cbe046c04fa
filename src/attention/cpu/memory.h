#pragma once

#include <algorithm>
#include <cstdint>

#include "attention/cpu/kernels.h"
#include "attention/params.h"

// Where tokens and scratch memory lie.

namespace radial::cpu {

inline std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

/// Units of a packed row of D elements.
inline std::int32_t depth_of(const Kernels& kernels, std::int32_t head_dim) {
  return static_cast<std::int32_t>(round_up(head_dim / kernels.pairs, kernels.depth_step));
}

/// Tokens cut into the plan's blocks; packed memory has whole blocks, the last one filled up.
struct TokenBlocks {
  std::int64_t tokens = 0;
  std::int64_t block = 0;  // tokens of a block, at most kMaxTileRows
  std::int64_t num_blocks = 0;

  TokenBlocks(std::int64_t num_tokens, std::int64_t block_size)
      : tokens(num_tokens),
        block(block_size),
        num_blocks((num_tokens + block_size - 1) / block_size) {}

  std::int64_t packed_rows() const { return num_blocks * block; }
  std::int64_t begin(std::int64_t index) const { return index * block; }
  /// Tokens of block `index` before token `end`.
  std::int32_t count(std::int64_t index, std::int64_t end) const {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(end - begin(index), 0, block));
  }
};

/// Parts of one workspace, each aligned to 256 bytes; without memory it only counts.
class Carver {
 public:
  explicit Carver(void* memory = nullptr) : memory_(static_cast<char*>(memory)) {}

  template <typename T>
  T* take(std::int64_t count) {
    T* const part = memory_ ? reinterpret_cast<T*>(memory_ + used_) : nullptr;
    used_ += round_up(count * static_cast<std::int64_t>(sizeof(T)), 256);
    return part;
  }
  std::size_t used() const { return static_cast<std::size_t>(used_); }

 private:
  char* memory_;
  std::int64_t used_ = 0;
};

/// Row `token` of head `head`, sample `b`, of a tensor whose elements have `size` bytes.
inline const void* row_at(const void* data, const Strides& strides, std::size_t size,
                          std::int64_t b, std::int64_t token, std::int64_t head) {
  return static_cast<const char*>(data) +
         (b * strides.batch + token * strides.token + head * strides.head) *
             static_cast<std::int64_t>(size);
}
inline void* row_at(void* data, const Strides& strides, std::size_t size, std::int64_t b,
                    std::int64_t token, std::int64_t head) {
  return const_cast<void*>(row_at(static_cast<const void*>(data), strides, size, b, token, head));
}

}  // namespace radial::cpu
