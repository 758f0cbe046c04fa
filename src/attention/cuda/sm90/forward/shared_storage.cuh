#pragma once

#include <cstdint>

#include "attention/cuda/common/ptx.cuh"
#include "attention/cuda/sm90/forward/config.h"

namespace radial::sm90 {

/// What the producer tells the computing warps about a tile.
struct TileMessage {
  std::int32_t index;  // -1: no more tiles
  std::int32_t steps;
  std::int32_t partial;  // where the results of part of a tile go; -1: a whole tile
  std::uint32_t limits;  // valid keys of the first step; with joined blocks see `limits` below
  std::uint32_t values;  // of the first step's values, those that are the caller's: the others may
                         // hold anything, such as text beyond the sample's length
};

/// Shared memory of a forward thread block. Of each pair of barriers one says that a place is full,
/// the other that all computing warps are done with it.
template <typename Config>
struct alignas(1024) ForwardStorage {
  static constexpr int kStages = Config::kStages;
  unsigned char q[Config::kTileBytes];
  unsigned char k[kStages][Config::kTileBytes];
  unsigned char v[kStages][Config::kTileBytes];
  std::uint64_t q_full, q_empty;
  std::uint64_t k_full[kStages], k_empty[kStages];
  std::uint64_t v_full[kStages], v_empty[kStages];
  std::uint64_t message_full[Config::kMessages], message_empty[Config::kMessages];
  TileMessage messages[Config::kMessages];
  std::uint32_t limits[kStages];  // joined blocks only: what the first and the second 64 queries
                                  // see of the step in each stage, 16 bits each

  __device__ __forceinline__ void init_barriers() {
    mbarrier_init(&q_full, 1);
    mbarrier_init(&q_empty, Config::kComputingWarps);
    for (int i = 0; i < kStages; ++i) {
      mbarrier_init(&k_full[i], 1);
      mbarrier_init(&v_full[i], 1);
      mbarrier_init(&k_empty[i], Config::kComputingWarps);
      mbarrier_init(&v_empty[i], Config::kComputingWarps);
    }
    for (int i = 0; i < Config::kMessages; ++i) {
      mbarrier_init(&message_full[i], 1);
      mbarrier_init(&message_empty[i], Config::kComputingWarps);
    }
    mbarrier_init_fence();
  }
};

/// Shared memory to ask for: the storage begins at the next multiple of 1024 bytes.
template <typename Config>
constexpr int forward_shared_bytes() {
  constexpr int kBytes = static_cast<int>(sizeof(ForwardStorage<Config>)) + 1024;
  static_assert(kBytes <= 227 * 1024, "the rings do not fit; lower kStages");
  return kBytes;
}

}  // namespace radial::sm90
