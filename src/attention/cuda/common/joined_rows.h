#pragma once

#include <cstdint>
#include <vector>

#include "radial/plan/block_pattern.h"

#ifdef __CUDACC__
#define RADIAL_HOST_DEVICE __host__ __device__
#else
#define RADIAL_HOST_DEVICE
#endif

namespace radial {

/// Two key blocks of 64 that are computed as one step of 128 keys, for two neighbouring query
/// blocks
/// ("rows" 0 and 1) at once.
struct JoinedStep {
  std::int32_t low, high;  // key block, and in bits 30 and 29 whether rows 0 and 1 keep it

  RADIAL_HOST_DEVICE std::int32_t low_block() const { return low & kBlockBits; }
  RADIAL_HOST_DEVICE std::int32_t high_block() const { return high & kBlockBits; }
  RADIAL_HOST_DEVICE std::uint32_t low_kept(int row) const { return low >> (30 - row) & 1; }
  RADIAL_HOST_DEVICE std::uint32_t high_kept(int row) const { return high >> (30 - row) & 1; }

  static constexpr std::int32_t kBlockBits = 0x1fffffff;
};

/// Pairs of neighbouring rows of a pattern with the steps that cover both: R = ceil(QB / 2) pairs.
struct JoinedRows {
  std::vector<std::int32_t> offsets;  // [R + 1]
  std::vector<JoinedStep> steps;      // ascending in each pair; a left-over block is the first
  std::vector<std::int32_t> sizes;    // [R] steps
  std::vector<std::int32_t> order;    // [R] pairs, longest first

  explicit JoinedRows(const BlockPattern& pattern);
};

}  // namespace radial

#undef RADIAL_HOST_DEVICE
