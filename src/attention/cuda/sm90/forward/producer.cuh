#pragma once

#include "attention/cuda/common/ptx.cuh"
#include "attention/cuda/sm90/forward/params.cuh"
#include "attention/cuda/sm90/forward/schedule.cuh"
#include "attention/cuda/sm90/forward/shared_storage.cuh"

// The feeding thread: hands out tiles and keeps the rings of key and value tiles full.

namespace radial::sm90 {

/// Where the producer stands in its rings. Values follow one step behind the keys: the computing
/// warps multiply the next keys before the values of this step.
template <typename Config>
struct ProducerState {
  const ForwardKernelParams& p;
  ForwardStorage<Config>& shared;
  RingPosition<Config::kStages> k, v;
  RingPosition<Config::kMessages> message;
  std::uint32_t q_parity = 0;

  /// One tile of keys or values: `low` and `high` are the tokens of its two halves.
  __device__ __forceinline__ void load_step(const CUtensorMap& map, unsigned char* tile,
                                            std::uint64_t* barrier, int low, int high, int head,
                                            int sample) {
    mbarrier_expect(barrier, Config::kTileBytes);
#pragma unroll
    for (int panel = 0; panel < Config::kPanels; ++panel) {
      unsigned char* to = tile + panel * Config::kPanelBytes;
      load_box(to, map, barrier, panel * 64, low, head, sample);
      if constexpr (Config::kJoined) {
        load_box(to + Config::kPanelBytes / 2, map, barrier, panel * 64, high, head, sample);
      }
    }
  }

  __device__ __forceinline__ void load_k(int low, int high, std::uint32_t limits, int head,
                                         int sample) {
    mbarrier_wait(&shared.k_empty[k.stage], k.parity ^ 1);
    if constexpr (Config::kJoined) shared.limits[k.stage] = limits;
    load_step(p.k, shared.k[k.stage], &shared.k_full[k.stage], low, high, head, sample);
    k.advance();
  }

  __device__ __forceinline__ void load_v(int low, int high, int head, int sample) {
    mbarrier_wait(&shared.v_empty[v.stage], v.parity ^ 1);
    load_step(p.v, shared.v[v.stage], &shared.v_full[v.stage], low, high, head, sample);
    v.advance();
  }

  __device__ __forceinline__ void load_q(const Tile& tile) {
    mbarrier_wait(&shared.q_empty, q_parity ^ 1);
    q_parity ^= 1;
    mbarrier_expect(&shared.q_full, Config::kTileBytes);
    constexpr int kTokens = Config::kBoxTokens;
#pragma unroll
    for (int panel = 0; panel < Config::kPanels; ++panel) {
#pragma unroll
      for (int part = 0; part < Config::kTileQueries / kTokens; ++part) {
        load_box(shared.q + (panel * Config::kTileQueries + part * kTokens) * 128, p.q,
                 &shared.q_full, panel * 64, tile.row * Config::kTileQueries + part * kTokens,
                 tile.head, tile.sample);
      }
    }
  }

  __device__ __forceinline__ void announce(TileMessage value) {
    mbarrier_wait(&shared.message_empty[message.stage], message.parity ^ 1);
    shared.messages[message.stage] = value;
    mbarrier_arrive(&shared.message_full[message.stage]);
    message.advance();
  }

  /// Blocks of 128 keys, downwards.
  __device__ __forceinline__ void feed_runs(const Tile& tile, int index, const TilePart& part) {
    RowWalk walk(p, tile, part);
    const std::uint32_t limits = limits_of(walk.first_keys);
    announce({index, walk.steps, part.partial, limits, p.maybe_text_lengths ? limits : kAllKeys});
    if (walk.steps == 0) return;
    const int head = tile.head / p.heads_per_key_head;
    int token = walk.block * 128;
    load_q(tile);
    load_k(token, 0, 0, head, tile.sample);
    for (int left = walk.steps - 1; left > 0; --left) {
      walk.advance();
      load_k(walk.block * 128, 0, 0, head, tile.sample);
      load_v(token, 0, head, tile.sample);
      token = walk.block * 128;
    }
    load_v(token, 0, head, tile.sample);
  }

  /// Pairs of blocks of 64 keys, downwards.
  __device__ __forceinline__ void feed_pairs(const Tile& tile, int index, const TilePart& part) {
    const int place = tile.pattern * p.rows + tile.row;
    const int valid = valid_keys(p, tile.sample);
    const JoinedStep* step = p.plan.steps + p.plan.offsets[place + tile.pattern + 1] - 1;
    const int size = p.plan.sizes[place];
    int steps = size;
    while (steps > 0 && step->low_block() * 64 >= valid) --step, --steps;
    const PartSteps mine(part, size, steps);
    steps = mine.steps;
    step -= steps > 0 ? mine.skipped : 0;
    const bool cut = steps > 0 && p.maybe_text_lengths;
    announce({index, steps, part.partial, kAllKeys, cut ? limits_of(*step, valid) : kAllKeys});
    if (steps == 0) return;
    const int head = tile.head / p.heads_per_key_head;
    load_q(tile);
    int low = 0, high = 0;
    for (int i = 0; i <= steps; ++i, --step) {
      const int previous_low = low, previous_high = high;
      if (i < steps) {
        low = step->low_block() * 64;
        high = step->high_block() * 64;
        const std::uint32_t limits = limits_of(*step, valid);
        load_k(low, high, kept_limits(*step, 0, limits) | kept_limits(*step, 1, limits) << 16, head,
               tile.sample);
      }
      if (i > 0) load_v(previous_low, previous_high, head, tile.sample);
    }
  }

  __device__ __forceinline__ void run() {
    // Two ways to share out the work, one loop: feeding is much code.
    const bool cuts = p.cut_work > 0;
    const int tiles = p.slots * p.rows;
    const std::int32_t end = work_begin(p.cut_work, blockIdx.x + 1, gridDim.x);
    std::int32_t from = work_begin(p.cut_work, blockIdx.x, gridDim.x);
    int index = blockIdx.x;
    while (cuts ? from < end : index < tiles) {
      TilePart part;
      if (cuts) {
        const TilePlace place(p, from);
        index = place.index(p);
        part = place.part(from, end, blockIdx.x);
        from = place.begin + part.end;
      }
      if constexpr (Config::kJoined) {
        feed_pairs(tile_at(p, index), index, part);
      } else {
        feed_runs(tile_at(p, index), index, part);
      }
      // Claimed as late as can be, for balance; the steps still in the rings hide the latency.
      if (!cuts) index = p.maybe_counter ? gridDim.x + atomicAdd(p.maybe_counter, 1u) : tiles;
    }
    announce({-1, 0, -1, 0, 0});
  }
};

}  // namespace radial::sm90
