#pragma once

#include "attention/cuda/sm90/backward/consumer_base.cuh"

namespace radial::sm90 {

/// A consumer at head dim 128, where dK and dV take half of the registers. It makes half of the
/// columns of each tile's dQ, two tiles late, so that neither warpgroup waits for the other and one
/// computes exponentials while the other keeps the tensor cores busy. In order of issue:
///
///   dQ of the last tile but one = dS' K  |  P = exp2(S - lse)  |  dV += P dO
///   dP - delta = V dO' - delta  |  dS = P (dP - delta)  |  S of the next tile = K Q'
///   dS to shared memory  |  dK += dS Q
template <typename Config>
struct WideConsumer : ConsumerBase<Config> {
  using Base = ConsumerBase<Config>;
  using Base::arrives, Base::release, Base::write_dq;
  using Base::Base, Base::shared, Base::group, Base::tiles, Base::columns, Base::dk, Base::dv;
  using typename Base::Tile;
  using typename Base::TileOperand;

  RingPosition<Config::kQueryStages> query_place;
  Tile scores, dp;
  TileOperand packed;  // P, then dS

  __device__ __forceinline__ void run() {
    this->for_each_item([this](const WorkItem& item) {
      begin_column(item);
      for (int tile = 0; tile < item.num_tiles; ++tile) {
        process_tile(item.valid_keys, tile, tile + 1 == item.num_tiles);
      }
      end_column();
    });
  }

  __device__ __forceinline__ void begin_column(const WorkItem& item);
  __device__ __forceinline__ void process_tile(int valid_keys, int tile_of_column, bool is_last);
  __device__ __forceinline__ void finish_dq(std::uint32_t tile);
  __device__ __forceinline__ void end_column();
};

template <typename Config>
__device__ __forceinline__ void WideConsumer<Config>::begin_column(const WorkItem& item) {
  mbarrier_wait(&shared.key_ring.full[0], columns % 2);
  if (item.valid_keys < Config::kKeyRows) {
    mbarrier_wait(&shared.value_ring.full[0], columns % 2);
    this->clear_unseen_keys(item.valid_keys);
  }
  mbarrier_wait(&shared.query_ring.full[query_place.stage], query_place.parity);
  this->issue_scores(scores, query_place.stage);
  this->load_lse(query_place.stage);
  wgmma_wait<0>();
  pin_registers(scores);
  mbarrier_wait(&shared.value_ring.full[0], columns % 2);
}

template <typename Config>
__device__ __forceinline__ void WideConsumer<Config>::process_tile(int valid_keys,
                                                                   int tile_of_column,
                                                                   bool is_last) {
  const std::uint32_t dq_tile = tiles - 2;
  const bool has_dq = tile_of_column >= 2;
  Tile dq;  // of the first two tiles: of whatever is there, never used
  mbarrier_wait_unless(!has_dq, &shared.dscore_ring.full[dq_tile % 2], dq_tile / 2 % 2);
  this->issue_dq(dq, dq_tile % 2, group * Config::kDqColumns);
  const bool dout_ready = mbarrier_test(&shared.dout_ring.full[tiles % 2], tiles / 2 % 2);
  this->test_dq_buffer();
  this->make_probabilities(scores);
  wgmma_wait<1>();
  pin_registers(dk);
  __syncwarp();  // as in release()
  if (arrives() && tile_of_column > 0) {
    mbarrier_arrive(&shared.query_ring.empty[(query_place.stage + Config::kQueryStages - 1) %
                                             Config::kQueryStages]);
  }
  this->pack_operand(packed, scores, valid_keys);
  mbarrier_wait_unless(dout_ready, &shared.dout_ring.full[tiles % 2], tiles / 2 % 2);
  this->issue_dv(packed, tiles % 2);
  wgmma_wait<1>();
  pin_registers(dq);
  if (has_dq) {
    write_dq(dq);
    release(&shared.dscore_ring.empty[dq_tile % 2]);
  }

  this->begin_dp(dp, tiles % 2);
  this->issue_dp(dp, tiles % 2);
  RingPosition<Config::kQueryStages> next_query = query_place;
  next_query.advance();
  std::uint64_t* next_query_full = &shared.query_ring.full[next_query.stage];
  std::uint64_t* dscore_empty = &shared.dscore_ring.empty[tiles % 2];
  const bool query_ready = mbarrier_test(next_query_full, next_query.parity);
  const bool dscore_free = mbarrier_test(dscore_empty, tiles / 2 % 2 ^ 1);
  wgmma_wait<0>();
  pin_registers(dp);
  pin_registers(dv);
  this->make_dscores(dp, scores);
  pin_registers(dp);  // before the scores are overwritten
  release(&shared.dout_ring.empty[tiles % 2]);

  mbarrier_wait_unless(is_last || query_ready, next_query_full, next_query.parity);
  // Behind the last tile: of whatever is there, never used.
  this->issue_scores(scores, next_query.stage);
  this->pack_operand(packed, dp, valid_keys);
  mbarrier_wait_unless(dscore_free, dscore_empty, tiles / 2 % 2 ^ 1);
  this->write_dscores(packed, tiles % 2);
  this->issue_dk(packed, query_place.stage);
  fence_async_shared();
  release(&shared.dscore_ring.full[tiles % 2]);
  this->load_lse(next_query.stage);
  wgmma_wait<1>();
  pin_registers(scores);
  query_place = next_query;
  ++tiles;
}

/// dQ of one of a column's last two tiles.
template <typename Config>
__device__ __forceinline__ void WideConsumer<Config>::finish_dq(std::uint32_t tile) {
  Tile dq;
  mbarrier_wait(&shared.dscore_ring.full[tile % 2], tile / 2 % 2);
  this->issue_dq(dq, tile % 2, group * Config::kDqColumns);
  wgmma_wait<0>();
  pin_registers(dq);
  write_dq(dq);
  release(&shared.dscore_ring.empty[tile % 2]);
}

template <typename Config>
__device__ __forceinline__ void WideConsumer<Config>::end_column() {
  finish_dq(tiles - 2);
  pin_registers(dk);
  release(&shared.query_ring
               .empty[(query_place.stage + Config::kQueryStages - 1) % Config::kQueryStages]);
  release(&shared.value_ring.empty[0]);
  // Until the other consumer has written dQ of the last tile but one: see write_dq.
  mbarrier_wait(&shared.dscore_ring.empty[tiles % 2], tiles / 2 % 2 ^ 1);
  finish_dq(tiles - 1);
  release(&shared.key_ring.empty[0]);
  ++columns;
}

}  // namespace radial::sm90
