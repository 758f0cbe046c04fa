#pragma once

#include "attention/cpu/register_tile.h"

// The transposed scores S^T [keys, queries] are made, so that P^T and dS^T are the broadcast
// operands of dV = P^T dO and dK = dS^T Q as they are.

namespace radial::cpu {
namespace {

/// P^T and dS^T of one strip of keys against one panel of queries, into `step.probs` and
/// `step.dscore` (rows of kMaxTileRows elements).
template <int kStrip>
RADIAL_ALWAYS_INLINE void differentiate_panel(const BackwardStep& step, int first_key, int query) {
  const int depth = step.head_dim / kPairs;
  const std::int64_t place = std::int64_t{query} * depth;
  constexpr int kStride = kMaxTileRows / kPairs;
  float exponentials[kStrip][kPanel];

  Vec sums[kStrip][kVectors];
  clear(sums);
  multiply(sums, {step.k_rows + first_key * depth, depth, 1}, step.q_across + place, depth);
  const Vec scale = Simd::set(step.scale);
  RADIAL_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Vec lse = Simd::load(step.lse + query + v * kWidth);
    RADIAL_UNROLL
    for (int row = 0; row < kStrip; ++row) {
      const Vec p = exponential(scale * sums[row][v] - lse);
      Simd::store(exponentials[row] + v * kWidth, p);
      Simd::store_elements(step.probs + row * kStride + (query + v * kWidth) / kPairs, p);
    }
  }

  clear(sums);
  multiply(sums, {step.v_rows + first_key * depth, depth, 1}, step.dout_across + place, depth);
  RADIAL_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Vec delta = Simd::load(step.delta + query + v * kWidth);
    Vec ds[kStrip];
    RADIAL_UNROLL
    for (int row = 0; row < kStrip; ++row) {
      ds[row] = Simd::load(exponentials[row] + v * kWidth) * (sums[row][v] - delta);
      Simd::store_elements(step.dscore + row * kStride + (query + v * kWidth) / kPairs, ds[row]);
    }
    RADIAL_UNROLL
    for (int row = 0; row < kStrip; row += kPairs) {
      Simd::store_units(
          step.dscores + (first_key + row) / kPairs * kMaxTileRows + query + v * kWidth, ds[row],
          ds[smaller(row + kPairs - 1, kStrip - 1)]);
    }
  }
}

/// dV and dK of one strip of keys, and its rows of dS^T for dQ.
template <int kStrip>
void differentiate_strip(const BackwardStep& step, int first_key) {
  for (int query = 0; query < step.queries; query += kPanel) {
    differentiate_panel<kStrip>(step, first_key, query);
  }
  constexpr int kStride = kMaxTileRows / kPairs;
  const int depth = divide_up(step.queries, kPairs);
  const std::int64_t place = std::int64_t{first_key} * step.head_dim;
  accumulate<kStrip>(step.dv + place, step.head_dim, nullptr, {step.probs, kStride, 1},
                     step.dout_along, depth);
  accumulate<kStrip>(step.dk + place, step.head_dim, nullptr, {step.dscore, kStride, 1},
                     step.q_along, depth);
}

/// dQ of all queries: the sum over the tile's keys of dS K.
void add_dq(const BackwardStep& step) {
  const int depth = divide_up(step.keys, kPairs);
  for (int query = 0; query < step.queries; query += kRows) {
    with_count<kRows>(step.queries - query, [&](auto count) {
      accumulate<decltype(count)::value>(
          step.dq + std::int64_t{query} * step.head_dim, step.head_dim, nullptr,
          {step.dscores + query, 1, kMaxTileRows}, step.k_along, depth);
    });
  }
}

void backward_step(const BackwardStep& step) {
  for (int key = 0; key < step.keys; key += kRows) {
    with_count<kRows>(step.keys - key,
                      [&](auto count) { differentiate_strip<decltype(count)::value>(step, key); });
  }
  add_dq(step);
}

}  // namespace
}  // namespace radial::cpu
