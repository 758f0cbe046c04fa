#pragma once

#include "attention/cuda/sm90/backward/walk.cuh"

namespace radial::sm90 {

/// One thread: takes work items, hands them on, and loads K and V once and Q, dO and their row
/// statistics tile by tile.
template <typename Config>
struct Producer {
  const BackwardKernelParams& p;
  SharedStorage<Config>& shared;
  RingPosition<2> work_place;
  RingPosition<1> key_place;
  RingPosition<Config::kQueryStages> query_place;
  RingPosition<Config::kDoutStages> dout_place;

  __device__ __forceinline__ void run() {
    for (;;) {
      // Not sooner than its loads can begin: those that come later wait for it in the dQ sums.
      const WorkItem item = work_item(p, atomicAdd(p.next_item, 1u));
      hand_on(item);
      if (item.slot < 0) return;
      if (item.num_tiles == 0) continue;
      load_keys(item);
      load_queries(item);
    }
  }

  __device__ __forceinline__ void hand_on(const WorkItem& item) {
    mbarrier_wait(&shared.work_ring.empty[work_place.stage], work_place.parity ^ 1);
    shared.work[work_place.stage] = item;
    mbarrier_arrive(&shared.work_ring.full[work_place.stage]);
    work_place.advance();
  }

  __device__ __forceinline__ void load_keys(const WorkItem& item) {
    const int sample = item.slot / p.key_heads, head = item.slot % p.key_heads;
    const int token = item.column * Config::kKeyRows;
    mbarrier_wait(&shared.key_ring.empty[0], key_place.parity ^ 1);
    mbarrier_expect(&shared.key_ring.full[0], Config::kKeyBytes);
    for (int box = 0; box < Config::kBoxes; ++box) {
      load_box(shared.key + box * Config::kKeyBoxBytes, p.k, &shared.key_ring.full[0], box * 64,
               token, head, sample);
    }
    mbarrier_wait(&shared.value_ring.empty[0], key_place.parity ^ 1);
    mbarrier_expect(&shared.value_ring.full[0], Config::kKeyBytes);
    for (int box = 0; box < Config::kBoxes; ++box) {
      load_box(shared.value + box * Config::kKeyBoxBytes, p.v, &shared.value_ring.full[0], box * 64,
               token, head, sample);
    }
    key_place.advance();
  }

  __device__ __forceinline__ void load_queries(const WorkItem& item) {
    const int sample = item.slot / p.key_heads;
    for_each_tile(p, item, [&](int head, int tile, std::uint32_t) {
      const std::int64_t stat =
          (std::int64_t{sample * p.heads + head} * p.num_tiles + tile) * Config::kQueryRows;
      load_tile(shared.query_ring, query_place, shared.query[query_place.stage], p.q,
                shared.neg_lse[query_place.stage], p.neg_lse + stat, tile, head, sample);
      load_tile(shared.dout_ring, dout_place, shared.dout[dout_place.stage], p.dout,
                shared.neg_delta[dout_place.stage], p.neg_delta + stat, tile, head, sample);
    });
  }

  template <int kStages>
  __device__ __forceinline__ void load_tile(Ring<kStages>& ring, RingPosition<kStages>& place,
                                            unsigned char* tile_memory, const CUtensorMap& map,
                                            float* stat_memory, const float* stat, int tile,
                                            int head, int sample) {
    std::uint64_t* full = &ring.full[place.stage];
    mbarrier_wait(&ring.empty[place.stage], place.parity ^ 1);
    mbarrier_expect(full, Config::kQueryBytes + Config::kRowStatBytes);
    for (int box = 0; box < Config::kBoxes; ++box) {
      load_box(tile_memory + box * Config::kQueryBoxBytes, map, full, box * 64,
               tile * Config::kQueryRows, head, sample);
    }
    load_bulk(stat_memory, stat, Config::kRowStatBytes, full);
    place.advance();
  }
};

}  // namespace radial::sm90
