#pragma once

#include "attention/cuda/sm90/backward/consumer_base.cuh"

namespace radial::sm90 {

/// A consumer at head dim 64, where registers allow two tiles at a time: S and dP of the next tile
/// are issued before the exponentials of this one, so that the tensor cores have work of each
/// warpgroup all the time. It makes dQ of every second tile, at least one tile late. In order of
/// issue, from one tile to the next:
///
///   S of the next tile = K Q'  |  dS = P (dP - delta)  |  dS to shared memory  |  dK += dS Q
///   dP - delta of the next tile = V dO' - delta  |  (every second tile) dQ = dS' K
///   P of the next tile = exp2(S - lse)  |  dV += P dO
template <typename Config>
struct NarrowConsumer : ConsumerBase<Config> {
  using Base = ConsumerBase<Config>;
  using Base::Base, Base::shared, Base::group, Base::tiles, Base::columns, Base::dk, Base::dv;
  using Base::release, Base::write_dq;
  using typename Base::Tile;
  using typename Base::TileOperand;

  static constexpr std::uint32_t kStages = Config::kQueryStages;
  static_assert(kStages == Config::kDoutStages && kStages == Config::kDscoreStages,
                "all rings turn with the tiles");

  Tile scores[2], dp;            // the tiles take the two in turn
  TileOperand weights, dscores;  // P, dS
  bool query_ready = false;      // whether the Q that is next was seen to be there

  static __device__ __forceinline__ std::uint32_t stage(std::uint32_t tile) {
    return tile % kStages;
  }
  static __device__ __forceinline__ std::uint32_t parity(std::uint32_t tile) {
    return tile / kStages % 2;
  }

  __device__ __forceinline__ void run() {
    this->for_each_item([this](const WorkItem& item) {
      begin_column(item);
      next_tile<0, false>(item.valid_keys);
#pragma unroll 1
      for (int tile = 2; tile < item.num_tiles; tile += 2) {  // always an even number
        next_tile<1, false>(item.valid_keys);
        next_tile<0, true>(item.valid_keys);
      }
      end_column(item.valid_keys);
    });
  }

  __device__ __forceinline__ void begin_column(const WorkItem& item);
  template <int kOdd>
  __device__ __forceinline__ void weigh(int valid_keys);
  template <int kOdd, bool kMakesDq>
  __device__ __forceinline__ void next_tile(int valid_keys);
  __device__ __forceinline__ void end_column(int valid_keys);
};

template <typename Config>
__device__ __forceinline__ void NarrowConsumer<Config>::begin_column(const WorkItem& item) {
  mbarrier_wait(&shared.key_ring.full[0], columns % 2);
  mbarrier_wait(&shared.value_ring.full[0], columns % 2);
  if (item.valid_keys < Config::kKeyRows) this->clear_unseen_keys(item.valid_keys);
  mbarrier_wait(&shared.query_ring.full[stage(tiles)], parity(tiles));
  mbarrier_wait(&shared.dout_ring.full[stage(tiles)], parity(tiles));
  query_ready = false;
  this->begin_dp(dp, stage(tiles));
  this->issue_scores(scores[0], stage(tiles));
  this->issue_dp(dp, stage(tiles));
  this->load_lse(stage(tiles));
  wgmma_wait<1>();
  pin_registers(scores[0]);
  weigh<0>(item.valid_keys);
}

/// P and dV of a tile. Leaves only dV in flight.
template <typename Config>
template <int kOdd>
__device__ __forceinline__ void NarrowConsumer<Config>::weigh(int valid_keys) {
  this->make_probabilities(scores[kOdd]);
  this->pack_operand(weights, scores[kOdd], valid_keys);
  this->issue_dv(weights, stage(tiles));
  wgmma_wait<1>();
  pin_registers(dp);
  pin_registers(dk);
}

/// From P of one tile, an odd or an even one of its column, to P of the next.
template <typename Config>
template <int kOdd, bool kMakesDq>
__device__ __forceinline__ void NarrowConsumer<Config>::next_tile(int valid_keys) {
  const std::uint32_t tile = tiles, next = tile + 1, dq_tile = tile - 2 + group;
  Tile& next_scores = scores[kOdd ^ 1];
  Tile& dq = scores[kOdd];  // takes the place of P once dS is there
  mbarrier_wait_unless(query_ready, &shared.query_ring.full[stage(next)], parity(next));
  this->issue_scores(next_scores, stage(next));
  std::uint64_t* dscore_empty = &shared.dscore_ring.empty[stage(tile)];
  std::uint64_t* next_dout_full = &shared.dout_ring.full[stage(next)];
  std::uint64_t* dq_dscore_full = &shared.dscore_ring.full[stage(dq_tile)];
  const bool dscore_free = mbarrier_test(dscore_empty, parity(tile) ^ 1);
  const bool dout_ready = mbarrier_test(next_dout_full, parity(next));
  const bool dscore_ready = kMakesDq && mbarrier_test(dq_dscore_full, parity(dq_tile));
  this->make_dscores(dp, scores[kOdd]);
  this->pack_operand(dscores, dp, valid_keys);
  mbarrier_wait_unless(dscore_free, dscore_empty, parity(tile) ^ 1);
  this->write_dscores(dscores, stage(tile));
  this->issue_dk(dscores, stage(tile));

  mbarrier_wait_unless(dout_ready, next_dout_full, parity(next));
  wgmma_wait<2>();  // dV: its operand's registers serve for lse
  pin_registers(dv);
  this->begin_dp(dp, stage(next));
  this->issue_dp(dp, stage(next));
  fence_async_shared();
  release(&shared.dscore_ring.full[stage(tile)]);
  if constexpr (kMakesDq) {
    mbarrier_wait_unless(dscore_ready, dq_dscore_full, parity(dq_tile));
    this->issue_dq(dq, stage(dq_tile), 0);
  }
  this->load_lse(stage(next));
  release(&shared.dout_ring.empty[stage(tile)]);
  query_ready = mbarrier_test(&shared.query_ring.full[stage(next + 1)], parity(next + 1));
  if constexpr (kMakesDq) this->test_dq_buffer();
  // In flight, the oldest first: S of the next tile, dK, dP of the next, dQ.
  wgmma_wait<kMakesDq ? 3 : 2>();
  pin_registers(next_scores);
  ++tiles;
  weigh<kOdd ^ 1>(valid_keys);
  release(&shared.query_ring.empty[stage(tile)]);
  if constexpr (kMakesDq) {
    pin_registers(dq);
    release(&shared.dscore_ring.empty[stage(dq_tile)]);
    write_dq(dq);
  }
}

/// What is left of the last tile, an odd one, and dQ of this consumer's tile of the last two.
template <typename Config>
__device__ __forceinline__ void NarrowConsumer<Config>::end_column(int valid_keys) {
  const std::uint32_t tile = tiles, dq_tile = tile - 1 + group;
  Tile& dq = scores[0];
  this->make_dscores(dp, scores[1]);
  this->pack_operand(dscores, dp, valid_keys);
  mbarrier_wait(&shared.dscore_ring.empty[stage(tile)], parity(tile) ^ 1);
  this->write_dscores(dscores, stage(tile));
  this->issue_dk(dscores, stage(tile));
  fence_async_shared();
  release(&shared.dscore_ring.full[stage(tile)]);
  mbarrier_wait(&shared.dscore_ring.full[stage(dq_tile)], parity(dq_tile));
  this->issue_dq(dq, stage(dq_tile), 0);
  wgmma_wait<0>();
  pin_registers(dq);
  pin_registers(dk);
  pin_registers(dv);
  release(&shared.query_ring.empty[stage(tile)]);
  release(&shared.dout_ring.empty[stage(tile)]);
  release(&shared.key_ring.empty[0]);
  release(&shared.value_ring.empty[0]);
  release(&shared.dscore_ring.empty[stage(dq_tile)]);
  ++tiles;
  ++columns;
  write_dq(dq);
}

}  // namespace radial::sm90
