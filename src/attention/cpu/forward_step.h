#pragma once

#include "attention/cpu/register_tile.h"

namespace radial::cpu {
namespace {

/// Scores of one strip against one panel of keys into `scores` [kStrip, kMaxStepKeys], scaled, with
/// -inf at the columns from `valid` on; `tops` keeps the largest of each row.
template <int kStrip>
RADIAL_ALWAYS_INLINE void score_panel(const ForwardStep& step, const Unit* q, const Unit* panel,
                                      int valid, float* scores, Vec (&tops)[kStrip]) {
  const int depth = step.head_dim / kPairs;
  Vec sums[kStrip][kVectors];
  clear(sums);
  multiply(sums, {q, depth, 1}, panel, depth);
  const Vec scale = Simd::set(step.scale);
  RADIAL_UNROLL
  for (int row = 0; row < kStrip; ++row) {
    RADIAL_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Vec score = Simd::first_lanes(valid - v * kWidth, scale * sums[row][v], kMinusInfinity);
      tops[row] = Simd::max(tops[row], score);
      Simd::store(scores + row * kMaxStepKeys + v * kWidth, score);
    }
  }
}

/// Scores of one row to exponentials; returns the factor for what was summed so far.
RADIAL_ALWAYS_INLINE float exponentiate_row(const float* scores, int keys, Vec top, float& maximum,
                                            float& sum, Unit* probs) {
  const float before = maximum;
  const float after = Simd::largest_lane(Simd::max(Simd::set(before), top));
  const Vec shift = Simd::set(after);
  Vec total = Simd::set(0.0f);
  for (int key = 0; key < keys; key += kWidth) {
    const Vec p = exponential(Simd::load(scores + key) - shift);
    total = total + p;
    Simd::store_elements(probs + key / kPairs, p);
  }
  const float factor = Simd::first_lane(exponential(Simd::set(before - after)));
  maximum = after;
  sum = sum * factor + Simd::sum_of_lanes(total);
  return factor;
}

/// One strip of queries against all keys of the step.
template <int kStrip>
void attend_strip(const ForwardStep& step, int first_row) {
  const int depth = step.head_dim / kPairs;
  Vec tops[kStrip];
  RADIAL_UNROLL
  for (int row = 0; row < kStrip; ++row) tops[row] = Simd::set(kMinusInfinity);
  int done = 0;
  for (int i = 0; i < step.num_spans; ++i) {
    const KeySpan& span = step.spans[i];
    for (int key = 0; key < span.keys; key += kPanel, done += kPanel) {
      score_panel<kStrip>(step, step.q + first_row * depth, span.k_panels + key * depth,
                          step.keys - done, step.scores + done, tops);
    }
  }

  float factors[kStrip];
  constexpr int kProbsStride = kMaxStepKeys / kPairs;
  for (int row = 0; row < kStrip; ++row) {
    factors[row] = exponentiate_row(step.scores + row * kMaxStepKeys, step.keys, tops[row],
                                    step.maxima[first_row + row], step.sums[first_row + row],
                                    step.probs + row * kProbsStride);
  }

  update<kStrip>(
      step.out + first_row * step.head_dim, step.head_dim,
      factors, [&](auto& sums, int column, int columns) __attribute__((always_inline)) {
        const Unit* probs = step.probs;
        for (int i = 0; i < step.num_spans; ++i) {
          const KeySpan& span = step.spans[i];
          const int pairs = divide_up(span.keys, kPairs);
          multiply(sums, {probs, kProbsStride, 1}, panel_of(span.v, column, columns), pairs);
          probs += pairs;
        }
      });
}

void forward_step(const ForwardStep& step) {
  for (int row = 0; row < step.rows; row += kRows) {
    with_count<kRows>(step.rows - row,
                      [&](auto count) { attend_strip<decltype(count)::value>(step, row); });
  }
}

}  // namespace
}  // namespace radial::cpu
