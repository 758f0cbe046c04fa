#pragma once

#include "attention/cuda/sm90/backward/walk.cuh"

namespace radial::sm90 {

/// One thread per dQ buffer in shared memory: adds what the consumers leave there to the sums in
/// global memory, each unit of dQ in the order of the schedule, so that the sums never depend on
/// timing. Waits only for items handed out earlier, which always finish.
template <typename Config>
struct DqWriter {
  const BackwardKernelParams& p;
  SharedStorage<Config>& shared;
  std::uint32_t buffer;
  std::uint32_t items = 0;       // so far
  std::uint32_t added = 0;       // from this buffer, so far
  std::uint32_t next_stage = 0;  // buffer that the next tile's first unit goes to

  __device__ __forceinline__ void run() {
    for (;; ++items) {
      mbarrier_wait(&shared.work_ring.full[items % 2], items / 2 % 2);
      const WorkItem item = shared.work[items % 2];
      mbarrier_arrive(&shared.work_ring.empty[items % 2]);
      if (item.slot < 0) return;
      const int sample = item.slot / p.key_heads;
      const int first = (p.first_slot * p.group) - sample * p.heads;
      for_each_tile(p, item, [&](int head, int tile, std::uint32_t turn) {
        const std::uint32_t unit = (buffer + Config::kDqStages - next_stage) % Config::kDqStages;
        next_stage = (next_stage + Config::kDqUnits) % Config::kDqStages;
        if (unit >= Config::kDqUnits) return;
        add_unit((std::int64_t{head - first} * p.num_tiles + tile) * Config::kDqUnits + unit, turn);
      });
    }
  }

  __device__ __forceinline__ void add_unit(std::int64_t unit, std::uint32_t turn) {
    constexpr std::uint32_t kBytes = Config::kDqFloats * 4;
    const float* values = shared.dq[buffer];
    float* sums = p.dq_sums + unit * Config::kDqFloats;
    std::uint32_t* turns = p.turns + unit;
    // Relaxed is enough here: nobody reads the sums, they are only added to, in L2. To pass the
    // turn on takes a release: without it the next one's part was seen to arrive before this one's.
    while (load_relaxed(turns) != turn) {
    }
    mbarrier_wait(&shared.dq_ring.full[buffer], added++ % 2);
    fence_async_shared();  // for the writes of all that arrived
    if (turn == 0) {
      store_bulk(sums, values, kBytes);
    } else {
      add_bulk(sums, values, kBytes);
    }
    commit_bulk();
    wait_bulk_read<0>();
    mbarrier_arrive(&shared.dq_ring.empty[buffer]);
    wait_bulk<0>();
    add_release(turns, 1);
  }
};

}  // namespace radial::sm90
