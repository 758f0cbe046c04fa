#pragma once

// Included by one kernels_*.cpp each, after it has defined `Simd` in the unnamed namespace. All
// below has internal linkage on purpose: these files are compiled for different processors, and a
// function shared by name could be taken from the wrong one by the linker. For the same reason
// nothing here calls an inline function or template of the standard library.

#include "attention/cpu/kernels.h"

#define RADIAL_ALWAYS_INLINE inline __attribute__((always_inline))
#define RADIAL_UNROLL _Pragma("GCC unroll 16")

namespace radial::cpu {
namespace {

using Vec = Simd::Vec;

constexpr int kWidth = Simd::kWidth;      // floats in a vector
constexpr int kRows = Simd::kRows;        // rows of a register tile
constexpr int kVectors = Simd::kVectors;  // vectors in a row of it
constexpr int kPanel = kVectors * kWidth;
constexpr int kPairs = Simd::kPairs;
constexpr int kDepthStep = Simd::kDepthStep;

constexpr float kMinusInfinity = -__builtin_inff();

static_assert(kMaxTileRows % kPanel == 0, "a tile is made of whole panels");
static_assert(kRows <= kMaxStripRows, "scratch memory holds a strip");
static_assert(Simd::kStepKeys <= kMaxSpans * 64, "a step of the smallest blocks fits");
static_assert(kPairs == 1 || kRows % 2 == 0, "strips begin at whole pairs");

template <int kValue>
struct Int {
  static constexpr int value = kValue;
};

constexpr int smaller(int a, int b) { return a < b ? a : b; }
constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

/// Units of a packed row.
constexpr int depth_of(int head_dim) {
  return divide_up(head_dim / kPairs, kDepthStep) * kDepthStep;
}

/// Calls `body(Int<count>{})` for a count in [1, kMost].
template <int kMost, typename Body>
RADIAL_ALWAYS_INLINE void with_count(int count, const Body& body) {
  if constexpr (kMost > 1) {
    if (count < kMost) {
      with_count<kMost - 1>(count, body);
      return;
    }
  }
  body(Int<kMost>{});
}

/// e^x. The difference of two scores is taken before the factor of log2(e): large scores would lose
/// digits to it.
RADIAL_ALWAYS_INLINE Vec exponential(Vec x) {
  return Simd::exp2(x * Simd::set(1.44269504088896340736f));
}

/// Where the broadcast operand's unit (row, depth) lies: at row * row_step + depth * depth_step.
struct Broadcast {
  const Unit* data;
  std::int64_t row_step;
  std::int64_t depth_step;
};

/// sums[row][column] = initial + sum over depth of a(row, depth) * panel(depth, column).
template <int kTileRows, int kTileVectors>
RADIAL_ALWAYS_INLINE void multiply(Vec (&sums)[kTileRows][kTileVectors], const Broadcast& a,
                                   const Unit* panel, int depth) {
  const Unit* place = a.data;
  for (int k = 0; k < depth; ++k) {
    Vec columns[kTileVectors];
    RADIAL_UNROLL
    for (int v = 0; v < kTileVectors; ++v) columns[v] = Simd::load_units(panel + v * kWidth);
    RADIAL_UNROLL
    for (int row = 0; row < kTileRows; ++row) {
      const Vec value = Simd::broadcast_unit(place + row * a.row_step);
      RADIAL_UNROLL
      for (int v = 0; v < kTileVectors; ++v) {
        sums[row][v] = Simd::dot(sums[row][v], value, columns[v]);
      }
    }
    place += a.depth_step;
    panel += kTileVectors * kWidth;
  }
}

/// The panel that begins at column `column` of D and has `columns` columns.
RADIAL_ALWAYS_INLINE Unit* panel_of(const AlongPanels& panels, int column, int columns) {
  return panels.data + column * panels.rows + panels.first_row * columns;
}

template <int kTileRows, int kTileVectors>
RADIAL_ALWAYS_INLINE void clear(Vec (&sums)[kTileRows][kTileVectors]) {
  RADIAL_UNROLL
  for (int row = 0; row < kTileRows; ++row) {
    RADIAL_UNROLL
    for (int v = 0; v < kTileVectors; ++v) sums[row][v] = Simd::set(0.0f);
  }
}

/// to[row][column] = to * factor of the row + what `add(sums, column, columns)` adds to a tile of
/// sums that begins at `column`, for all D columns.
template <int kTileRows, typename Add>
RADIAL_ALWAYS_INLINE void update(float* to, int head_dim, const float* maybe_factors,
                                 const Add& add) {
  for (int column = 0; column < head_dim; column += kPanel) {
    const int vectors = smaller(kVectors, (head_dim - column) / kWidth);
    with_count<kVectors>(
        vectors, [&](auto count) __attribute__((always_inline)) {
          constexpr int kTileVectors = decltype(count)::value;
          Vec sums[kTileRows][kTileVectors];
          float* const corner = to + column;
          RADIAL_UNROLL
          for (int row = 0; row < kTileRows; ++row) {
            const Vec factor = Simd::set(maybe_factors ? maybe_factors[row] : 1.0f);
            RADIAL_UNROLL
            for (int v = 0; v < kTileVectors; ++v) {
              sums[row][v] = factor * Simd::load(corner + row * head_dim + v * kWidth);
            }
          }
          add(sums, column, kTileVectors * kWidth);
          RADIAL_UNROLL
          for (int row = 0; row < kTileRows; ++row) {
            RADIAL_UNROLL
            for (int v = 0; v < kTileVectors; ++v) {
              Simd::store(corner + row * head_dim + v * kWidth, sums[row][v]);
            }
          }
        });
  }
}

/// to[row][column] = to * factor of the row + sum over depth of a(row, depth) * panel(depth,
/// column), for all D columns.
template <int kTileRows>
RADIAL_ALWAYS_INLINE void accumulate(float* to, int head_dim, const float* maybe_factors,
                                     const Broadcast& a, const AlongPanels& panels, int depth) {
  update<kTileRows>(
      to, head_dim,
      maybe_factors, [&](auto& sums, int column, int columns) __attribute__((always_inline)) {
        multiply(sums, a, panel_of(panels, column, columns), depth);
      });
}

}  // namespace
}  // namespace radial::cpu
