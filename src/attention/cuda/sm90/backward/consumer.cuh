#pragma once

#include "attention/cuda/common/element.cuh"
#include "attention/cuda/common/wgmma.cuh"
#include "attention/cuda/sm90/backward/params.cuh"
#include "attention/cuda/sm90/backward/shared_storage.cuh"

namespace radial::sm90 {

/// Barriers of the consumers (0 is __syncthreads).
enum class NamedBarrier : int { kKeysCleared = 1 };

/// One warpgroup. Owns 64 keys: their scores against each query tile (transposed, so that P and dS
/// are register operands of dV and dK), and, together with the other one, dQ of the tile: each for
/// half of the head dim. dQ is made one tile late, so that neither warpgroup waits for the other
/// and one computes exponentials while the other keeps the tensor cores busy. In order of issue:
///
///   dQ of the last tile = dS' K  |  P = exp2(S - lse)  |  dV += P dO  |  dP = V dO'
///   dS = P (dP - delta)  |  S of the next tile = K Q'  |  dK += dS Q  |  dS to shared memory
template <typename Config>
struct Consumer {
  using Element = typename Config::Element;
  static constexpr int kHeadDim = Config::kHeadDim;
  static constexpr int kScoreSteps = kHeadDim / 16;            // along the head dim
  static constexpr int kQuerySteps = Config::kQueryRows / 16;  // along the queries
  static constexpr int kKeySteps = Config::kKeyRows / 16;      // along the keys
  static constexpr std::uint32_t kSixteenRows = 16 * 128;      // bytes

  const BackwardKernelParams& p;
  SharedStorage<Config>& shared;
  const int group, thread, warp, lane;  // group: which consumer

  std::uint32_t items = 0, columns = 0;  // so far
  std::uint32_t tiles = 0;               // so far; dO and dS stages alternate with them
  RingPosition<Config::kQueryStages> query_place;
  RingPosition<Config::kDqStages> dq_place;

  float dk[kHeadDim / 2], dv[kHeadDim / 2];
  float scores[32], dp[32];
  std::uint32_t packed[kQuerySteps][4];  // P, then dS, as register operands

  __device__ __forceinline__ Consumer(const BackwardKernelParams& params,
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

  __device__ __forceinline__ void run();
  __device__ __forceinline__ void begin_column(const WorkItem& item);
  __device__ __forceinline__ void clear_unseen_keys(int valid_keys);
  __device__ __forceinline__ void issue_scores(std::uint32_t query_stage);
  __device__ __forceinline__ void issue_dp();
  __device__ __forceinline__ void pack_operand(const float (&tile)[32], int valid_keys);
  __device__ __forceinline__ void make_probabilities();
  __device__ __forceinline__ void issue_dv();
  __device__ __forceinline__ void make_dscores();
  __device__ __forceinline__ void write_dscores();
  __device__ __forceinline__ void issue_dk();
  __device__ __forceinline__ void issue_dq(float (&dq)[Config::kDqColumns / 2]);
  __device__ __forceinline__ void write_dq(const float (&dq)[Config::kDqColumns / 2]);
  __device__ __forceinline__ void process_tile(int valid_keys, bool is_first, bool is_last);
  __device__ __forceinline__ void end_column();
  __device__ __forceinline__ void store_gradient(const WorkItem& item,
                                                 const float (&sums)[kHeadDim / 2], float factor,
                                                 void* memory, const ElementStrides& strides);
};

template <typename Config>
__device__ __forceinline__ void Consumer<Config>::run() {
  for (;;) {
    const std::uint32_t slot = items % 2;
    mbarrier_wait(&shared.work_ring.full[slot], items / 2 % 2);
    const WorkItem item = uniform(shared.work[slot]);
    if (item.slot < 0) return;
#pragma unroll
    for (int i = 0; i < kHeadDim / 2; ++i) dk[i] = dv[i] = 0;
    pin_registers(dk);
    pin_registers(dv);
    if (item.num_tiles > 0) {
      begin_column(item);
      for (int tile = 0; tile < item.num_tiles; ++tile) {
        process_tile(item.valid_keys, tile == 0, tile + 1 == item.num_tiles);
      }
      end_column();
    }
    const WorkItem done = shared.work[slot];
    store_gradient(done, dk, p.score_scale, p.dk, p.dk_strides);
    store_gradient(done, dv, 1.0f, p.dv, p.dv_strides);
    release(&shared.work_ring.empty[slot]);
    ++items;
  }
}

template <typename Config>
__device__ __forceinline__ void Consumer<Config>::begin_column(const WorkItem& item) {
  mbarrier_wait(&shared.key_ring.full[0], columns % 2);
  if (item.valid_keys < Config::kKeyRows) {
    mbarrier_wait(&shared.value_ring.full[0], columns % 2);
    clear_unseen_keys(item.valid_keys);
  }
  mbarrier_wait(&shared.query_ring.full[query_place.stage], query_place.parity);
  issue_scores(query_place.stage);
  wgmma_wait<0>();
  pin_registers(scores);
  mbarrier_wait(&shared.value_ring.full[0], columns % 2);
}

/// Keys that may not be seen could hold anything: with zeros in K and V, dS K stays finite.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::clear_unseen_keys(int valid_keys) {
  constexpr int kChunks = Config::kBoxes * Config::kKeyRows * 8;  // of 16 bytes
  for (int chunk = group * 128 + thread; chunk < kChunks; chunk += 256) {
    if (chunk / 8 % Config::kKeyRows < valid_keys) continue;
    *reinterpret_cast<uint4*>(shared.key + chunk * 16) = {0, 0, 0, 0};
    *reinterpret_cast<uint4*>(shared.value + chunk * 16) = {0, 0, 0, 0};
  }
  fence_async_shared();
  named_barrier(static_cast<int>(NamedBarrier::kKeysCleared), 256);
}

/// S' [64 keys, 64 queries] = K Q'.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::issue_scores(std::uint32_t query_stage) {
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

/// dP' - delta [64 keys, 64 queries] = V dO' - delta.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::issue_dp() {
  const auto values = Operand(shared_address(shared.value) + group * 64 * 128);
  const auto douts = Operand(shared_address(shared.dout[tiles % 2]));
  pin_registers(dp);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kScoreSteps; ++step) {
    const std::uint32_t box = step / 4, offset = step % 4 * 32;
    wgmma_shared<Element, 64, Major::kDepth, Major::kDepth>(
        dp, values.at(box * Config::kKeyBoxBytes + offset),
        douts.at(box * Config::kQueryBoxBytes + offset), step > 0);
  }
  wgmma_commit();
}

/// P or dS as a register operand, zero for keys that may not be seen.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::pack_operand(const float (&tile)[32],
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

template <typename Config>
__device__ __forceinline__ void Consumer<Config>::make_probabilities() {
  const float* neg_lse = shared.neg_lse[query_place.stage] + lane % 4 * 2;
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const float2 offset = load_in_order(neg_lse + 8 * j);
    float* s = scores + 4 * j;
    s[0] = exp2_approx(fmaf(s[0], p.score_scale_log2, offset.x));
    s[1] = exp2_approx(fmaf(s[1], p.score_scale_log2, offset.y));
    s[2] = exp2_approx(fmaf(s[2], p.score_scale_log2, offset.x));
    s[3] = exp2_approx(fmaf(s[3], p.score_scale_log2, offset.y));
  }
}

/// dV [64 keys, D] += P' dO.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::issue_dv() {
  const auto douts = Operand(shared_address(shared.dout[tiles % 2]), Config::kQueryBoxBytes);
  pin_registers(dv);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    pin_registers(packed[step]);
    wgmma_registers<Element, kHeadDim, Major::kOuter>(dv, packed[step],
                                                      douts.at(step * kSixteenRows), 1);
  }
  wgmma_commit();
}

/// dS' = P' (dP' - delta), in place of dP'.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::make_dscores() {
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const float2 nd =
        *reinterpret_cast<const float2*>(shared.neg_delta[tiles % 2] + lane % 4 * 2 + 8 * j);
    dp[4 * j] = scores[4 * j] * (dp[4 * j] + nd.x);
    dp[4 * j + 1] = scores[4 * j + 1] * (dp[4 * j + 1] + nd.y);
    dp[4 * j + 2] = scores[4 * j + 2] * (dp[4 * j + 2] + nd.x);
    dp[4 * j + 3] = scores[4 * j + 3] * (dp[4 * j + 3] + nd.y);
  }
}

/// dS' to shared memory [keys, queries], as the A operand of dQ reads it.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::write_dscores() {
  mbarrier_wait(&shared.dscore_ring.empty[tiles % 2], tiles / 2 % 2 ^ 1);
  unsigned char* memory = shared.dscore[tiles % 2];
  const int key = group * 64 + warp * 16 + (lane / 8 % 2) * 8 + lane % 8;
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    const int chunk = 2 * step + lane / 16;
    store_matrices(memory + key * 128 + ((chunk ^ (lane % 8)) * 16), packed[step]);
  }
  fence_async_shared();
  release(&shared.dscore_ring.full[tiles % 2]);
}

/// dK [64 keys, D] += dS' Q.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::issue_dk() {
  const auto queries =
      Operand(shared_address(shared.query[query_place.stage]), Config::kQueryBoxBytes);
  pin_registers(dk);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kQuerySteps; ++step) {
    pin_registers(packed[step]);
    wgmma_registers<Element, kHeadDim, Major::kOuter>(dk, packed[step],
                                                      queries.at(step * kSixteenRows), 1);
  }
  wgmma_commit();
}

/// dQ [64 queries, half of D] = dS K of the last tile.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::issue_dq(float (&dq)[Config::kDqColumns / 2]) {
  const auto dscore = Operand(shared_address(shared.dscore[(tiles - 1) % 2]));
  const auto keys = Operand(shared_address(shared.key) +
                            group * (Config::kBoxes == 2 ? Config::kKeyBoxBytes : 64));
  pin_registers(dq);
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kKeySteps; ++step) {
    wgmma_shared<Element, Config::kDqColumns, Major::kOuter, Major::kOuter>(
        dq, dscore.at(step * kSixteenRows), keys.at(step * kSixteenRows), step > 0);
  }
  wgmma_commit();
}

/// dQ of the last tile to shared memory in fragment order, the order of the sums in global memory.
///
/// The consumers take the buffers in turn, so that a buffer's next writes are the other one's. They
/// come after these: all lanes write, the barrier of the warp, lane 0 of each of the four warps
/// arrives at `full`; the DqWriter waits for that, fences the proxies, adds the buffer, waits until
/// it has been read (not until the sums are there) and arrives at `empty`, for which each thread of
/// the other consumer waits. A second chain needs no DqWriter: this warp's arrival at the `full` of
/// the next dS tile comes after these writes, and the other consumer waits for that tile before its
/// next writes to the buffer, three half tiles on. The parity of `empty` cannot be one round off,
/// for the same reason. (For racecheck see kArrivingLanes.)
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::write_dq(
    const float (&dq)[Config::kDqColumns / 2]) {
  release(&shared.dscore_ring.empty[(tiles - 1) % 2]);
  mbarrier_wait(&shared.dq_ring.empty[dq_place.stage], dq_place.parity ^ 1);
  float4* memory = reinterpret_cast<float4*>(shared.dq[dq_place.stage]) + thread;
#pragma unroll
  for (int j = 0; j < Config::kDqColumns / 8; ++j) {
    memory[128 * j] = make_float4(dq[4 * j], dq[4 * j + 1], dq[4 * j + 2], dq[4 * j + 3]);
  }
  release(&shared.dq_ring.full[dq_place.stage]);
  dq_place.advance(Config::kConsumers);
}

template <typename Config>
__device__ __forceinline__ void Consumer<Config>::process_tile(int valid_keys, bool is_first,
                                                               bool is_last) {
  float dq[Config::kDqColumns / 2];  // before the first tile: of whatever is there, never used
  mbarrier_wait_unless(is_first, &shared.dscore_ring.full[(tiles - 1) % 2], (tiles - 1) / 2 % 2);
  issue_dq(dq);
  make_probabilities();
  wgmma_wait<1>();
  pin_registers(dk);
  __syncwarp();  // as in release()
  if (arrives() && !is_first) {
    mbarrier_arrive(&shared.query_ring.empty[(query_place.stage + Config::kQueryStages - 1) %
                                             Config::kQueryStages]);
  }
  pack_operand(scores, valid_keys);
  mbarrier_wait(&shared.dout_ring.full[tiles % 2], tiles / 2 % 2);
  issue_dv();
  wgmma_wait<1>();
  pin_registers(dq);
  if (!is_first) write_dq(dq);

  issue_dp();
  wgmma_wait<0>();
  pin_registers(dp);
  pin_registers(dv);
  make_dscores();
  pin_registers(dp);  // before the scores are overwritten
  release(&shared.dout_ring.empty[tiles % 2]);

  RingPosition<Config::kQueryStages> next_query = query_place;
  next_query.advance();
  mbarrier_wait_unless(is_last, &shared.query_ring.full[next_query.stage], next_query.parity);
  issue_scores(next_query.stage);  // behind the last tile: of whatever is there, never used
  pack_operand(dp, valid_keys);
  issue_dk();
  write_dscores();
  wgmma_wait<1>();
  pin_registers(scores);
  query_place = next_query;
  ++tiles;
}

template <typename Config>
__device__ __forceinline__ void Consumer<Config>::end_column() {
  float dq[Config::kDqColumns / 2];
  mbarrier_wait(&shared.dscore_ring.full[(tiles - 1) % 2], (tiles - 1) / 2 % 2);
  issue_dq(dq);
  wgmma_wait<0>();
  pin_registers(dq);
  pin_registers(dk);
  release(&shared.query_ring
               .empty[(query_place.stage + Config::kQueryStages - 1) % Config::kQueryStages]);
  release(&shared.key_ring.empty[0]);
  release(&shared.value_ring.empty[0]);
  ++columns;
  write_dq(dq);
}

/// Rows of dK or dV of this consumer's keys, those beyond Sk left out.
template <typename Config>
__device__ __forceinline__ void Consumer<Config>::store_gradient(const WorkItem& item,
                                                                 const float (&sums)[kHeadDim / 2],
                                                                 float factor, void* memory,
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
