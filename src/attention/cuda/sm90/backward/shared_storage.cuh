#pragma once

#include <cstdint>

#include "attention/cuda/common/ptx.cuh"
#include "attention/cuda/sm90/backward/config.h"

namespace radial::sm90 {

/// One column of one key head of one sample. `slot` < 0 ends the kernel.
struct WorkItem {
  std::int32_t slot;        // sample * Hkv + key head
  std::int32_t column;      // key block
  std::int32_t num_tiles;   // query tiles over all heads of the group
  std::int32_t valid_keys;  // keys of the block that may be seen, [0, 128]
  std::int32_t longs_last;
};

/// A ring of buffers between producers and consumers of data.
template <int kStages>
struct Ring {
  std::uint64_t full[kStages];
  std::uint64_t empty[kStages];

  __device__ void init(std::uint32_t full_arrivals, std::uint32_t empty_arrivals) {
    for (int stage = 0; stage < kStages; ++stage) {
      mbarrier_init(&full[stage], full_arrivals);
      mbarrier_init(&empty[stage], empty_arrivals);
    }
  }
};

template <typename Config>
struct SharedStorage {
  alignas(1024) unsigned char key[Config::kKeyBytes];
  alignas(1024) unsigned char value[Config::kKeyBytes];
  alignas(1024) unsigned char query[Config::kQueryStages][Config::kQueryBytes];
  alignas(1024) unsigned char dout[Config::kDoutStages][Config::kQueryBytes];
  alignas(1024) unsigned char dscore[Config::kDscoreStages][Config::kDscoreBytes];
  alignas(128) float dq[Config::kDqStages][Config::kDqFloats];
  alignas(128) float neg_lse[Config::kQueryStages][Config::kQueryRows];
  alignas(128) float neg_delta[Config::kDoutStages][Config::kQueryRows];
  WorkItem work[2];
  Ring<2> work_ring;
  Ring<1> key_ring, value_ring;
  Ring<Config::kQueryStages> query_ring;
  Ring<Config::kDoutStages> dout_ring;
  Ring<Config::kDscoreStages> dscore_ring;
  Ring<Config::kDqStages> dq_ring;

  __device__ void init_barriers() {
    constexpr int kOfOne = 4 * kArrivingLanes;  // arrivals of one consumer
    constexpr int kOfAll = Config::kConsumers * kOfOne;
    work_ring.init(1, kOfAll + Config::kDqStages);
    key_ring.init(1, kOfAll);
    value_ring.init(1, kOfAll);
    query_ring.init(1, kOfAll);
    dout_ring.init(1, kOfAll);
    dscore_ring.init(kOfAll, Config::kWide ? kOfAll : kOfOne);
    dq_ring.init(kOfOne, 1);
    mbarrier_init_fence();
  }
};

/// The item of lane 0, so that the compiler knows it to be the same for all lanes.
__device__ __forceinline__ WorkItem uniform(WorkItem item) {
  constexpr unsigned kAll = 0xFFFFFFFF;
  item.slot = __shfl_sync(kAll, item.slot, 0);
  item.column = __shfl_sync(kAll, item.column, 0);
  item.num_tiles = __shfl_sync(kAll, item.num_tiles, 0);
  item.valid_keys = __shfl_sync(kAll, item.valid_keys, 0);
  item.longs_last = __shfl_sync(kAll, item.longs_last, 0);
  return item;
}

}  // namespace radial::sm90
