#pragma once

#include "attention/cpu/register_tile.h"

namespace radial::cpu {
namespace {

using Half = std::uint16_t;  // bits of a 16-bit element

constexpr int kMaxHeadDim = 256;

/// float32 of one row of 16-bit or 32-bit elements.
RADIAL_ALWAYS_INLINE void widen_row(const PackSource& source, int row, float* to) {
  const std::int64_t place = row * source.row_stride;
  switch (source.dtype) {
    case DType::kFloat32:
      __builtin_memcpy(to, static_cast<const float*>(source.data) + place,
                       sizeof(float) * static_cast<unsigned>(source.head_dim));
      break;
    case DType::kBFloat16:
      for (int d = 0; d < source.head_dim; d += kWidth) {
        Simd::store(to + d, Simd::load_bfloat16(static_cast<const Half*>(source.data) + place + d));
      }
      break;
    default:
      for (int d = 0; d < source.head_dim; d += kWidth) {
        Simd::store(to + d, Simd::load_float16(static_cast<const Half*>(source.data) + place + d));
      }
  }
}

/// Units of one row: [D / pairs]; zero for a row that does not exist.
RADIAL_ALWAYS_INLINE void row_units(const PackSource& source, int row, Unit* to) {
  if (row >= source.rows) {
    __builtin_memset(to, 0, sizeof(Unit) * static_cast<unsigned>(source.head_dim / kPairs));
  } else if constexpr (kPairs == 2) {
    __builtin_memcpy(to, static_cast<const Half*>(source.data) + row * source.row_stride,
                     sizeof(Half) * static_cast<unsigned>(source.head_dim));
  } else {
    float wide[kMaxHeadDim];
    widen_row(source, row, wide);
    __builtin_memcpy(to, wide, sizeof(float) * static_cast<unsigned>(source.head_dim));
  }
}

void pack_rows(const PackSource& source, Unit* to) {
  const int units = source.head_dim / kPairs, depth = depth_of(source.head_dim);
  for (int row = 0; row < source.padded_rows; ++row) {
    row_units(source, row, to + row * depth);
    for (int k = units; k < depth; ++k) to[row * depth + k] = 0;
  }
}

void pack_across(const PackSource& source, Unit* to) {
  const int depth = depth_of(source.head_dim);
  Unit units[kMaxHeadDim / kPairs] = {};
  for (int row = 0; row < source.padded_rows; ++row) {
    row_units(source, row, units);
    Unit* const column = to + row / kPanel * depth * kPanel + row % kPanel;
    for (int k = 0; k < depth; ++k) column[k * kPanel] = units[k];
  }
}

/// Units of row pair `pair` (of row `pair` where a unit is one element): [D].
RADIAL_ALWAYS_INLINE void summed_units(const PackSource& source, int pair, Unit* to) {
  if constexpr (kPairs == 1) {
    row_units(source, pair, to);
  } else {
    Half rows[2][kMaxHeadDim] = {};
    for (int i = 0; i < 2; ++i) {
      const int row = 2 * pair + i;
      if (row >= source.rows) break;
      __builtin_memcpy(rows[i], static_cast<const Half*>(source.data) + row * source.row_stride,
                       sizeof(Half) * static_cast<unsigned>(source.head_dim));
    }
    for (int d = 0; d < source.head_dim; ++d) to[d] = rows[0][d] | Unit{rows[1][d]} << 16;
  }
}

void pack_along(const PackSource& source, const AlongPanels& to) {
  Unit units[kMaxHeadDim];
  for (int pair = 0; pair < source.padded_rows / kPairs; ++pair) {
    summed_units(source, pair, units);
    for (int column = 0; column < source.head_dim; column += kPanel) {
      const int columns = smaller(kPanel, source.head_dim - column);
      __builtin_memcpy(panel_of(to, column, columns) + pair * columns, units + column,
                       sizeof(Unit) * static_cast<unsigned>(columns));
    }
  }
}

void store_rows(const StoreRows& rows) {
  for (int row = 0; row < rows.rows; ++row) {
    const Vec factor = Simd::set(rows.factors[row]);
    const std::int64_t place = row * rows.row_stride;
    for (int d = 0; d < rows.head_dim; d += kWidth) {
      const Vec value = factor * Simd::load(rows.from + row * rows.head_dim + d);
      switch (rows.dtype) {
        case DType::kFloat32:
          Simd::store(static_cast<float*>(rows.to) + place + d, value);
          break;
        case DType::kBFloat16:
          Simd::store_bfloat16(static_cast<Half*>(rows.to) + place + d, value);
          break;
        default:
          Simd::store_float16(static_cast<Half*>(rows.to) + place + d, value);
      }
    }
  }
}

}  // namespace
}  // namespace radial::cpu
