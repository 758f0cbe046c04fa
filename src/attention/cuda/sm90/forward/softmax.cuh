#pragma once

#include <cmath>
#include <cstdint>

#include "attention/cuda/common/element.cuh"
#include "attention/cuda/common/ptx.cuh"
#include "attention/cuda/sm90/forward/config.h"

// Softmax of the scores that one thread holds of a 64 x N product: two rows, and of every 8 columns
// two neighbours. scores[4 j + 0, 1] belong to the first row, [4 j + 2, 3] to the second, eight
// rows below; j counts groups of 8 columns.

namespace radial::sm90 {

constexpr int kScores = 64;  // per thread: 64 x 128 scores, 128 threads

/// Sets scores beyond the valid keys of each half to -inf; `limits`: low half, high half.
__device__ __forceinline__ void mask_scores(float (&scores)[kScores], std::uint32_t limits) {
  const int first_column = 2 * (threadIdx.x % 4);
  const int low = static_cast<int>(limits & 0xff) - first_column;
  const int high = static_cast<int>(limits >> 8 & 0xff) - first_column;
#pragma unroll
  for (int i = 0; i < kScores; ++i) {
    const int column = i / 4 * 8 + i % 2;
    const bool keep = column < 64 ? column < low : column - 64 < high;
    if (!keep) scores[i] = -INFINITY;
  }
}

/// Maximum over the four threads that share a row.
__device__ __forceinline__ float max_of_row(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}
__device__ __forceinline__ float sum_of_row(float value) {
  value += __shfl_xor_sync(0xffffffffu, value, 1);
  return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

/// Running state of a thread's two rows. Sums are of this thread's columns until `finish`.
///
/// Weights are exp(scale (score - peak)). The peak is the largest score of the row's first step; it
/// is raised only when weights leave the range that float16 holds, since in floating point neither
/// the weights nor their sums care how large the peak is: most steps need no maximum at all. What
/// it costs: below the true maximum the heaviest weight is no longer exactly 1, and is rounded to
/// the element type as all others are, so that a row with one heavy key may be off by one more
/// rounding of O (2^-9 |O| in bfloat16), which its gradients take over through delta.
template <typename Element, bool kMayBeEmpty>
struct RowState {
  float peak[2];    // subtracted from the scores
  float sum[2];     // of the weights
  float shrink[2];  // factor of what was summed before, of the last raise

  /// Weights of the first scores.
  __device__ __forceinline__ void start(const float (&scores)[kScores], float scale_log2,
                                        std::uint32_t (&weights)[kScores / 2]) {
    row_peaks(scores, peak);
    weigh(scores, scale_log2, weights, sum);
  }

  /// Weights of further scores; true if earlier sums have to be multiplied by `shrink`.
  __device__ __forceinline__ bool absorb(const float (&scores)[kScores], float scale_log2,
                                         std::uint32_t (&weights)[kScores / 2]) {
    float part[2];
    weigh(scores, scale_log2, weights, part);
    bool raise = !(fmaxf(part[0], part[1]) < kLargestSum);
    if constexpr (kMayBeEmpty) raise |= peak[0] == -INFINITY || peak[1] == -INFINITY;
    raise = __any_sync(0xffffffffu, raise);
    if (raise) {
      float found[2];
      row_peaks(scores, found);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        found[r] = fmaxf(found[r], peak[r]);
        shrink[r] = factor_of((peak[r] - found[r]) * scale_log2);
        peak[r] = found[r];
        sum[r] *= shrink[r];
      }
      weigh(scores, scale_log2, weights, part);
    }
    sum[0] += part[0];
    sum[1] += part[1];
    return raise;
  }

  /// Factors that normalise the output, and the rows' log-sum-exp.
  __device__ __forceinline__ void finish(float scale, float (&factor)[2], float (&lse)[2]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float total = sum_of_row(sum[r]);
      const bool empty = total == 0;
      factor[r] = empty ? 0.0f : 1.0f / total;
      lse[r] = empty ? -INFINITY : peak[r] * scale + logf(total);
    }
  }

 private:
  /// A thread's weights of one step and row add up to less, or the peak is raised.
  static constexpr float kLargestSum = 16384;

  /// -inf - -inf is no number: it stands for rows that have seen nothing yet.
  __device__ __forceinline__ static float factor_of(float x) {
    return kMayBeEmpty && !(x <= 0) ? 0.0f : exp2_approx(x);
  }

  __device__ __forceinline__ static void row_peaks(const float (&scores)[kScores],
                                                   float (&found)[2]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float a = fmaxf(scores[2 * r], scores[2 * r + 1]);
      float b = fmaxf(scores[4 + 2 * r], scores[4 + 2 * r + 1]);
#pragma unroll
      for (int j = 2; j < kScores / 4; j += 2) {
        a = fmaxf(a, fmaxf(scores[4 * j + 2 * r], scores[4 * j + 2 * r + 1]));
        b = fmaxf(b, fmaxf(scores[4 * j + 4 + 2 * r], scores[4 * j + 4 + 2 * r + 1]));
      }
      found[r] = max_of_row(fmaxf(a, b));
    }
  }

  /// The weights as the left operand of the next product, and their sums.
  __device__ __forceinline__ void weigh(const float (&scores)[kScores], float scale_log2,
                                        std::uint32_t (&weights)[kScores / 2], float (&total)[2]) {
    float shift[2], part[4] = {0, 0, 0, 0};
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      shift[r] = -(kMayBeEmpty && peak[r] == -INFINITY ? 0.0f : peak[r]) * scale_log2;
    }
#pragma unroll
    for (int i = 0; i < kScores / 2; ++i) {
      const float first = exp2_approx(fmaf(scores[2 * i], scale_log2, shift[i % 2]));
      const float second = exp2_approx(fmaf(scores[2 * i + 1], scale_log2, shift[i % 2]));
      part[2 * (i % 2)] += first;
      part[2 * (i % 2) + 1] += second;
      weights[i] = pack<Element>(first, second);
    }
    total[0] = part[0] + part[1];
    total[1] = part[2] + part[3];
  }
};

}  // namespace radial::sm90
