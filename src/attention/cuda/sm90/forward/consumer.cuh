#pragma once

#include "attention/cuda/common/ptx.cuh"
#include "attention/cuda/common/wgmma.cuh"
#include "attention/cuda/sm90/forward/output.cuh"
#include "attention/cuda/sm90/forward/params.cuh"
#include "attention/cuda/sm90/forward/schedule.cuh"
#include "attention/cuda/sm90/forward/shared_storage.cuh"
#include "attention/cuda/sm90/forward/softmax.cuh"

// A computing warpgroup: 64 queries of a tile against all its keys.

namespace radial::sm90 {

/// Hardware barriers; 0 is that of the whole thread block.
enum class ConsumerBarrier : int { kCleanValues = 1 };

template <typename Config>
struct Consumer {
  using Element = typename Config::Element;
  static constexpr int kHeadDim = Config::kHeadDim;
  static constexpr int kOutputs = kHeadDim / 2;  // per thread: 64 x D outputs, 128 threads

  const ForwardKernelParams& p;
  ForwardStorage<Config>& shared;
  const int group;
  const bool leads_warp;
  RingPosition<Config::kStages> k, v;
  RingPosition<Config::kMessages> message;
  std::uint32_t q_parity = 0;

  __device__ __forceinline__ void release(std::uint64_t* barrier) const {
    if (leads_warp) mbarrier_arrive(barrier);
  }

  __device__ __forceinline__ TileMessage receive() {
    mbarrier_wait(&shared.message_full[message.stage], message.parity);
    const TileMessage received = shared.messages[message.stage];
    __syncwarp();
    release(&shared.message_empty[message.stage]);
    message.advance();
    return received;
  }

  /// scores = Q K^T of the keys in the current stage.
  __device__ __forceinline__ void issue_scores(float (&scores)[kScores]) const {
    const std::uint64_t a = operand_descriptor(shared_address(shared.q) + group * 64 * 128);
    const std::uint64_t b = operand_descriptor(shared_address(shared.k[k.stage]));
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < kHeadDim / 16; ++i) {
      const int offset = (i / 4 * Config::kPanelBytes + i % 4 * 32) >> 4;
      wgmma_shared<Element, 128, Major::kDepth, Major::kDepth>(scores, a + offset, b + offset,
                                                               i > 0);
    }
    wgmma_commit();
  }

  /// output += weights V of the values in the current stage.
  __device__ __forceinline__ void issue_output(float (&output)[kOutputs],
                                               const std::uint32_t (&weights)[kScores / 2],
                                               int accumulate) const {
    const std::uint64_t b =
        operand_descriptor(shared_address(shared.v[v.stage]), Config::kPanelBytes);
    wgmma_fence();
#pragma unroll
    for (int i = 0; i < 128 / 16; ++i) {
      const std::uint32_t a[4] = {weights[4 * i], weights[4 * i + 1], weights[4 * i + 2],
                                  weights[4 * i + 3]};
      wgmma_registers<Element, kHeadDim, Major::kOuter>(output, a, b + (i * 16 * 128 >> 4),
                                                        accumulate | (i > 0));
    }
    wgmma_commit();
  }

  /// What the products left, as the softmax takes it: larger is heavier.
  __device__ __forceinline__ void orient(float (&scores)[kScores]) const {
    if (!p.negative_scale) return;
#pragma unroll
    for (float& score : scores) score = -score;
  }

  /// What this group's queries see of the step in the current stage of the keys. Read by the lane
  /// that gives the stage back, so that nobody reads later.
  __device__ __forceinline__ std::uint32_t step_limits() const {
    const std::uint32_t limits = leads_warp ? shared.limits[k.stage] >> 16 * group & 0xffff : 0;
    return __shfl_sync(0xffffffffu, limits, 0);
  }

  /// Zeroes the values of the current stage that are not the caller's: their weights are 0, but
  /// 0 times NaN is not. All groups together.
  __device__ __forceinline__ void clean_values(std::uint32_t limits) const {
    mbarrier_wait(&shared.v_full[v.stage], v.parity);
    constexpr int kChunks = Config::kTileBytes / 16, kChunksPerRow = 8;
    constexpr int kCleaners = 128 * Config::kGroups;
    for (int i = group * 128 + threadIdx.x % 128; i < kChunks; i += kCleaners) {
      const int row = i / kChunksPerRow % 128;
      const int limit = limits >> row / 64 * 8 & 0xff;
      if (row % 64 >= limit)
        reinterpret_cast<uint4*>(shared.v[v.stage])[i] = make_uint4(0, 0, 0, 0);
    }
    fence_async_shared();
    named_barrier(static_cast<int>(ConsumerBarrier::kCleanValues), kCleaners);
  }

  using Weights = std::uint32_t[kScores / 2];

  /// One step but the first: the scores of the next keys are multiplied before the values of this
  /// step, and turned into weights while those are under way.
  __device__ __forceinline__ void advance(int left, bool first, const Weights& weights,
                                          Weights& next, float (&output)[kOutputs],
                                          RowState<Element, Config::kJoined>& rows) {
    float scores[kScores];
    const std::uint32_t limits = Config::kJoined ? step_limits() : kAllKeys;
    issue_scores(scores);
    mbarrier_wait(&shared.v_full[v.stage], v.parity);
    issue_output(output, weights, !first);

    wgmma_wait<1>();
    pin_registers(scores);
    release(&shared.k_empty[k.stage]);
    k.advance();
    orient(scores);
    if (Config::kJoined && limits != kAllKeys) mask_scores(scores, limits);
    const bool raised = rows.absorb(scores, p.scale_log2, next);

    // The branch keeps the assembler from moving the wait for the output up, before the weights.
    pin_registers(next);
    if (left > 1) mbarrier_wait(&shared.k_full[k.stage], k.parity);
    wgmma_wait<0>();
    pin_registers(output);
    release(&shared.v_empty[v.stage]);
    v.advance();
    if (raised) {
#pragma unroll
      for (int i = 0; i < kOutputs; ++i) output[i] *= rows.shrink[i / 2 % 2];
    }
  }

  /// The values of the last step.
  __device__ __forceinline__ void finish(bool first, const Weights& weights,
                                         float (&output)[kOutputs]) {
    release(&shared.q_empty);
    mbarrier_wait(&shared.v_full[v.stage], v.parity);
    issue_output(output, weights, !first);
    wgmma_wait<0>();
    pin_registers(output);
    release(&shared.v_empty[v.stage]);
    v.advance();
  }

  /// All steps of a tile; leaves unnormalised outputs and the row sums.
  __device__ __forceinline__ void attend(TileMessage tile, float (&output)[kOutputs],
                                         RowState<Element, Config::kJoined>& rows) {
    Weights even, odd;  // taken in turn: one is multiplied while the other is made
    {
      float scores[kScores];
      mbarrier_wait(&shared.q_full, q_parity);
      q_parity ^= 1;
      mbarrier_wait(&shared.k_full[k.stage], k.parity);
      issue_scores(scores);
      const std::uint32_t limits = Config::kJoined ? step_limits() : tile.limits;
      wgmma_wait<0>();
      pin_registers(scores);
      release(&shared.k_empty[k.stage]);
      k.advance();
      orient(scores);
      if (limits != kAllKeys) mask_scores(scores, limits);
      rows.start(scores, p.scale_log2, even);
    }
    if (tile.values != kAllKeys) clean_values(tile.values);
    if (tile.steps > 1) mbarrier_wait(&shared.k_full[k.stage], k.parity);
    int left = tile.steps - 1;
    for (; left > 1; left -= 2) {
      advance(left, left == tile.steps - 1, even, odd, output, rows);
      advance(left - 1, false, odd, even, output, rows);
    }
    if (left == 1) {
      advance(1, tile.steps == 2, even, odd, output, rows);
      finish(false, odd, output);
    } else {
      finish(tile.steps == 1, even, output);
    }
  }

  __device__ __forceinline__ void run() {
    for (TileMessage tile = receive(); tile.index >= 0; tile = receive()) {
      float output[kOutputs];
      RowState<Element, Config::kJoined> rows;
      if (tile.steps > 0) {
        attend(tile, output, rows);
      } else {
#pragma unroll
        for (int i = 0; i < kOutputs; ++i) output[i] = 0;
        rows.peak[0] = rows.peak[1] = rows.sum[0] = rows.sum[1] = 0;
      }
      if (tile.partial < 0) {
        store_rows<Config>(p, tile_at(p, tile.index), group, output, rows);
      } else {
        store_partial<Config>(p, tile.partial, group, output, rows);
      }
    }
  }
};

}  // namespace radial::sm90
