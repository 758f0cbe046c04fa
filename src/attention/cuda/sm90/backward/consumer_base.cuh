#pragma once

#include "attention/cuda/common/element.cuh"
#include "attention/cuda/common/wgmma.cuh"
#include "attention/cuda/sm90/backward/params.cuh"
#include "attention/cuda/sm90/backward/shared_storage.cuh"

namespace radial::sm90 {

/// Barriers of the consumers (0 is __syncthreads).
enum class NamedBarrier : int { kKeysCleared = 1 };

/// One warpgroup, and what WideConsumer and NarrowConsumer have in common: its steps. It owns 64
/// keys: their scores against each query tile (transposed, so that P and dS are register operands
/// of dV and dK), and, together with the other one, dQ. The products are only issued here; when
/// they are waited for is up to the two.
template <typename Config>
struct ConsumerBase {
  using Element = typename Config::Element;
  static constexpr int kHeadDim = Config::kHeadDim;
  static constexpr int kScoreSteps = kHeadDim / 16;            // along the head dim
  static constexpr int kQuerySteps = Config::kQueryRows / 16;  // along the queries
  static constexpr int kKeySteps = Config::kKeyRows / 16;      // along the keys
  static constexpr std::uint32_t kSixteenRows = 16 * 128;      // bytes

  /// [64 keys, 64 queries] or [64 queries, 64 columns of dQ], and the first as a register operand.
  using Tile = float[32];
  using TileOperand = std::uint32_t[kQuerySteps][4];
  using Gradient = float[kHeadDim / 2];  // [64 keys, D]

  const BackwardKernelParams& p;
  SharedStorage<Config>& shared;
  const int group, thread, warp, lane;  // group: which consumer

  std::uint32_t items = 0, columns = 0, tiles = 0;  // so far
  RingPosition<Config::kDqStages> dq_place;
  bool dq_free = false;  // whether the next dQ buffer was seen to be empty

  Gradient dk, dv;
  float2 lse[8];  // of the tile that is next to be weighed

  __device__ __forceinline__ ConsumerBase(const BackwardKernelParams& params,
                                          SharedStorage<Config>& storage, int consumer)
      : p(params),
        shared(storage),
        group(consumer),
        thread(threadIdx.x % 128),
        warp(thread / 32),
        lane(thread % 32) {
    dq_place.advance(consumer);
  }

  __device__ __forceinline__ bool arrives() const { return kArrivingLanes == 32 || lane == 0; }

  /// One arrival of each warp at a barrier. An arrival orders what its own thread did before; what
  /// the other lanes read or wrote comes before it through the barrier of the warp.
  __device__ __forceinline__ void release(std::uint64_t* barrier) {
    __syncwarp();
    if (arrives()) mbarrier_arrive(barrier);
  }

  template <typename WalkColumn>
  __device__ __forceinline__ void for_each_item(WalkColumn&& walk_column);
  __device__ __forceinline__ void clear_unseen_keys(int valid_keys);
  __device__ __forceinline__ void issue_scores(Tile& scores, int query_stage);
  __device__ __forceinline__ void begin_dp(Tile& dp, int dout_stage);
  __device__ __forceinline__ void issue_dp(Tile& dp, int dout_stage);
  __device__ __forceinline__ void load_lse(int query_stage);
  __device__ __forceinline__ void make_probabilities(Tile& scores);
  __device__ __forceinline__ void pack_operand(TileOperand& packed, const Tile& tile,
                                               int valid_keys);
  __device__ __forceinline__ void issue_dv(TileOperand& weights, int dout_stage);
  __device__ __forceinline__ void make_dscores(Tile& dp, const Tile& weights);
  __device__ __forceinline__ void write_dscores(const TileOperand& dscores, int stage);
  __device__ __forceinline__ void issue_dk(TileOperand& dscores, int query_stage);
  __device__ __forceinline__ void issue_dq(Tile& dq, int dscore_stage, int column);
  __device__ __forceinline__ void test_dq_buffer();
  __device__ __forceinline__ void write_dq(const Tile& dq);
  __device__ __forceinline__ void store_gradient(const WorkItem& item, const Gradient& sums,
                                                 float factor, void* memory,
                                                 const ElementStrides& strides);
};

/// Takes items until the last, calls `walk_column(item)` for those with tiles, stores dK and dV.
template <typename Config>
template <typename WalkColumn>
__device__ __forceinline__ void ConsumerBase<Config>::for_each_item(WalkColumn&& walk_column) {
  for (;; ++items) {
    const std::uint32_t slot = items % 2;
    mbarrier_wait(&shared.work_ring.full[slot], items / 2 % 2);
    const WorkItem item = uniform(shared.work[slot]);
    if (item.slot < 0) return;
#pragma unroll
    for (int i = 0; i < kHeadDim / 2; ++i) dk[i] = dv[i] = 0;
    pin_registers(dk);
    pin_registers(dv);
    if (item.num_tiles > 0) walk_column(item);
    const WorkItem done = shared.work[slot];
    store_gradient(done, dk, p.score_scale, p.dk, p.dk_strides);
    store_gradient(done, dv, 1.0f, p.dv, p.dv_strides);
    release(&shared.work_ring.empty[slot]);
  }
}

/// Keys that may not be seen could hold anything: with zeros in K and V, dS K stays finite.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::clear_unseen_keys(int valid_keys) {
  constexpr int kChunks = Config::kBoxes * Config::kKeyRows * 8;  // of 16 bytes
  for (int chunk = group * 128 + thread; chunk < kChunks; chunk += 256) {
    if (chunk / 8 % Config::kKeyRows < valid_keys) continue;
    *reinterpret_cast<uint4*>(shared.key + chunk * 16) = {0, 0, 0, 0};
    *reinterpret_cast<uint4*>(shared.value + chunk * 16) = {0, 0, 0, 0};
  }
  fence_async_shared();
  named_barrier(static_cast<int>(NamedBarrier::kKeysCleared), 256);
}

/// S' = K Q'.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::issue_scores(Tile& scores, int query_stage) {
  const auto keys = Operand(shared_address(shared.key) + group * 64 * 128);
  const auto queries = Operand(shared_address(shared.query[query_stage]));
  pin_registers(scores);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kScoreSteps; ++step) {
    const std::uint32_t box = step / 4, offset = step % 4 * 32;
    wgmma_shared<Element, 64, Major::kDepth, Major::kDepth>(
        scores, keys.at(box * Config::kKeyBoxBytes + offset),
        queries.at(box * Config::kQueryBoxBytes + offset), step > 0);
  }
  wgmma_commit();
}

/// The sums of dP' begin with -delta, so that nobody waits for delta once they are there.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::begin_dp(Tile& dp, int dout_stage) {
  const float* neg_delta = shared.neg_delta[dout_stage] + lane % 4 * 2;
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const float2 nd = load_in_order(neg_delta + 8 * j);
    dp[4 * j] = dp[4 * j + 2] = nd.x;
    dp[4 * j + 1] = dp[4 * j + 3] = nd.y;
  }
  pin_registers(dp);
}

/// dP' - delta = V dO' - delta.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::issue_dp(Tile& dp, int dout_stage) {
  const auto values = Operand(shared_address(shared.value) + group * 64 * 128);
  const auto douts = Operand(shared_address(shared.dout[dout_stage]));
  pin_registers(dp);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kScoreSteps; ++step) {
    const std::uint32_t box = step / 4, offset = step % 4 * 32;
    wgmma_shared<Element, 64, Major::kDepth, Major::kDepth>(
        dp, values.at(box * Config::kKeyBoxBytes + offset),
        douts.at(box * Config::kQueryBoxBytes + offset), 1);
  }
  wgmma_commit();
}

/// To be called before S is waited for: shared memory is busy with operands and answers late.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::load_lse(int query_stage) {
  const float* neg_lse = shared.neg_lse[query_stage] + lane % 4 * 2;
#pragma unroll
  for (int j = 0; j < 8; ++j) lse[j] = load_in_order(neg_lse + 8 * j);
}

/// P' = exp2(S' - lse), in place of S'.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::make_probabilities(Tile& scores) {
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    float* s = scores + 4 * j;
    s[0] = exp2_approx(fmaf(s[0], p.score_scale_log2, lse[j].x));
    s[1] = exp2_approx(fmaf(s[1], p.score_scale_log2, lse[j].y));
    s[2] = exp2_approx(fmaf(s[2], p.score_scale_log2, lse[j].x));
    s[3] = exp2_approx(fmaf(s[3], p.score_scale_log2, lse[j].y));
  }
}

/// P' or dS' as a register operand, zero for keys that may not be seen.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::pack_operand(TileOperand& packed,
                                                                   const Tile& tile,
                                                                   int valid_keys) {
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      packed[step][r] = pack<Element>(tile[8 * step + 2 * r], tile[8 * step + 2 * r + 1]);
    }
  }
  if (valid_keys == Config::kKeyRows) return;
  const int key = group * 64 + warp * 16 + lane / 4;
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    pin_registers(packed[step]);  // keeps this a branch that is hardly ever taken
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      if (key + r % 2 * 8 >= valid_keys) packed[step][r] = 0;
    }
  }
}

/// dV += P' dO.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::issue_dv(TileOperand& weights,
                                                               int dout_stage) {
  const auto douts = Operand(shared_address(shared.dout[dout_stage]), Config::kQueryBoxBytes);
  pin_registers(dv);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    pin_registers(weights[step]);
    wgmma_registers<Element, kHeadDim, Major::kOuter>(dv, weights[step],
                                                      douts.at(step * kSixteenRows), 1);
  }
  wgmma_commit();
}

/// dS' = P' (dP' - delta), in place of dP' - delta.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::make_dscores(Tile& dp, const Tile& weights) {
#pragma unroll
  for (int i = 0; i < 32; ++i) dp[i] *= weights[i];
}

/// dS' to shared memory [keys, queries], as the A operand of dQ reads it. What tells the other
/// consumer comes later: by then the writes are done, and the fence before it need not wait.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::write_dscores(const TileOperand& dscores,
                                                                    int stage) {
  unsigned char* memory = shared.dscore[stage];
  const int key = group * 64 + warp * 16 + (lane / 8 % 2) * 8 + lane % 8;
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    const int chunk = 2 * step + lane / 16;
    store_matrices(memory + key * 128 + ((chunk ^ (lane % 8)) * 16), dscores[step]);
  }
}

/// dK += dS' Q.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::issue_dk(TileOperand& dscores,
                                                               int query_stage) {
  const auto queries = Operand(shared_address(shared.query[query_stage]), Config::kQueryBoxBytes);
  pin_registers(dk);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    pin_registers(dscores[step]);
    wgmma_registers<Element, kHeadDim, Major::kOuter>(dk, dscores[step],
                                                      queries.at(step * kSixteenRows), 1);
  }
  wgmma_commit();
}

/// One unit of dQ, [64 queries, 64 columns from `column` on] = dS K, over all 128 keys.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::issue_dq(Tile& dq, int dscore_stage,
                                                               int column) {
  const auto dscore = Operand(shared_address(shared.dscore[dscore_stage]));
  const auto keys = Operand(shared_address(shared.key) + column / 64 * Config::kKeyBoxBytes);
  pin_registers(dq);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kKeySteps; ++step) {
    wgmma_shared<Element, Config::kDqColumns, Major::kOuter, Major::kOuter>(
        dq, dscore.at(step * kSixteenRows), keys.at(step * kSixteenRows), step > 0);
  }
  wgmma_commit();
}

/// Asks early, so that write_dq need not wait for the answer.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::test_dq_buffer() {
  dq_free = mbarrier_test(&shared.dq_ring.empty[dq_place.stage], dq_place.parity ^ 1);
}

/// A unit of dQ to shared memory in fragment order, the order of the sums in global memory.
///
/// The consumers take the buffers in turn, so that a buffer's next writes are the other one's. They
/// come after these: all lanes write, the barrier of the warp, lane 0 of each of the four warps
/// arrives at `full`; the DqWriter waits for that, fences the proxies, adds the buffer, waits until
/// it has been read (not until the sums are there) and arrives at `empty`, for which each thread of
/// the other consumer waits. A second chain needs no DqWriter: this warp's arrival at a dS tile's
/// barrier (WideConsumer: at the `empty` of the one that dQ was made of; NarrowConsumer: at the
/// `full` of a later one) comes after these writes, and the other consumer waits for that before
/// its next writes to the buffer, three units on. The parity of `empty` cannot be one round off,
/// for the same reason. (For racecheck see kArrivingLanes.)
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::write_dq(const Tile& dq) {
  mbarrier_wait_unless(dq_free, &shared.dq_ring.empty[dq_place.stage], dq_place.parity ^ 1);
  float4* memory = reinterpret_cast<float4*>(shared.dq[dq_place.stage]) + thread;
#pragma unroll
  for (int j = 0; j < Config::kDqColumns / 8; ++j) {
    memory[128 * j] = make_float4(dq[4 * j], dq[4 * j + 1], dq[4 * j + 2], dq[4 * j + 3]);
  }
  release(&shared.dq_ring.full[dq_place.stage]);
  dq_place.advance(Config::kConsumers);
  dq_free = false;
}

/// Rows of dK or dV of this consumer's keys, those beyond Sk left out.
template <typename Config>
__device__ __forceinline__ void ConsumerBase<Config>::store_gradient(
    const WorkItem& item, const Gradient& sums, float factor, void* memory,
    const ElementStrides& strides) {
  const int sample = item.slot / p.key_heads, head = item.slot % p.key_heads;
  const std::int64_t key =
      std::int64_t{item.column} * Config::kKeyRows + group * 64 + warp * 16 + lane / 4;
  Element* row = static_cast<Element*>(memory) + sample * strides.batch + head * strides.head +
                 key * strides.token + lane % 4 * 2;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    if (key + 8 * half >= p.key_tokens) break;
#pragma unroll
    for (int j = 0; j < kHeadDim / 8; ++j) {
      *reinterpret_cast<std::uint32_t*>(row + 8 * half * strides.token + 8 * j) =
          pack<Element>(factor * sums[4 * j + 2 * half], factor * sums[4 * j + 2 * half + 1]);
    }
  }
}

}  // namespace radial::sm90
