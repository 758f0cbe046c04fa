#pragma once

#include "attention/cpu/tile_block.h"

// Strips of 32 keys walk over units of 32 queries. S^T and dP^T [keys, queries] are made on tiles,
// so that P^T and dS^T are the A operands of dV = P^T dO and dK = dS^T Q as they are; dS for dQ =
// dS K is transposed in registers. While a unit becomes P and dS, those products of the unit after
// the next are made.

namespace radial::cpu {
namespace {

constexpr int kKeyRows = kBlockRows;
constexpr int kUnitQueries = kBlockColumns;
constexpr int kUnitElements = kKeyRows * kUnitQueries;
constexpr int kUnitsAhead = 2;
static_assert(kKeyRows <= kMaxStripRows * kPairs, "a strip's P fits");
static_assert((2 * (kUnitsAhead + 1) + 1) * kUnitElements <= kMaxTileRows * kMaxTileRows / 2,
              "the scores of the units fit behind dS");

/// to[column][row] = from[row][column], 16 rows and columns of 32 bits.
RADIAL_ALWAYS_INLINE void transpose(const __m512i (&from)[16], __m512i (&to)[16]) {
  __m512i pairs[16], fours[16], eights[16];
  RADIAL_UNROLL
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(from[i], from[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(from[i], from[i + 1]);
  }
  RADIAL_UNROLL
  for (int i = 0; i < 16; i += 4) {
    fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  // Lane l of fours[4 g + j] holds column 4 l + j of rows 4 g to 4 g + 3.
  RADIAL_UNROLL
  for (int j = 0; j < 4; ++j) {
    eights[j] = _mm512_shuffle_i32x4(fours[j], fours[4 + j], 0x88);
    eights[4 + j] = _mm512_shuffle_i32x4(fours[j], fours[4 + j], 0xdd);
    eights[8 + j] = _mm512_shuffle_i32x4(fours[8 + j], fours[12 + j], 0x88);
    eights[12 + j] = _mm512_shuffle_i32x4(fours[8 + j], fours[12 + j], 0xdd);
  }
  RADIAL_UNROLL
  for (int j = 0; j < 4; ++j) {
    to[j] = _mm512_shuffle_i32x4(eights[j], eights[8 + j], 0x88);
    to[8 + j] = _mm512_shuffle_i32x4(eights[j], eights[8 + j], 0xdd);
    to[4 + j] = _mm512_shuffle_i32x4(eights[4 + j], eights[12 + j], 0x88);
    to[12 + j] = _mm512_shuffle_i32x4(eights[4 + j], eights[12 + j], 0xdd);
  }
}

class BackwardPipeline {
 public:
  explicit BackwardPipeline(const BackwardStep& step)
      : step_(step),
        depth_(depth_of(step.head_dim)),
        tile_steps_(depth_ / kTileRows),
        units_(divide_up(step.queries, kUnitQueries)),
        strips_(divide_up(step.keys, kKeyRows)),
        block_({slot(2 * (kUnitsAhead + 1)), kUnitQueries, true}) {}

  void run() {
    for (int query = 0; query < units_ * kUnitQueries; query += kWidth) {
      Simd::store(references_ + query, Simd::load(step_.lse + query) * Simd::set(kLog2E));
    }
    for (int place = 0; place < kUnitsAhead && place < strips_ * units_; ++place) {
      make_scores<0, 0>(place, [](auto) {});
    }
    block_.store();
    int place = 0;
    for (int strip = 0; strip < strips_; ++strip) {
      for (int unit = 0; unit < units_; ++unit, ++place) differentiate(place, strip, unit);
      const std::int64_t row = std::int64_t{strip} * kKeyRows * step_.head_dim;
      add_product(probs(), units_, step_.dout_along, step_.dv + row);
      add_product(dscore(), units_, step_.q_along, step_.dk + row);
    }
    for (int unit = 0; unit < units_; ++unit) {
      add_product(dscores_of(unit, 0), strips_, step_.k_along,
                  step_.dq + std::int64_t{unit} * kUnitQueries * step_.head_dim);
    }
    block_.store();
  }

 private:
  static constexpr int kUnitVectors = kUnitQueries / kWidth;

  /// P^T and dS^T of a strip, [units, 32, 32], and dS of all, [units, strips, 32, 32].
  Half* probs() const { return reinterpret_cast<Half*>(step_.probs); }
  Half* dscore() const { return reinterpret_cast<Half*>(step_.dscore); }
  Half* dscores_of(int unit, int strip) const {
    return reinterpret_cast<Half*>(step_.dscores) + (unit * strips_ + strip) * kUnitElements;
  }
  /// Room for a unit in float32, where dS leaves half of its memory free.
  float* slot(int index) const {
    return reinterpret_cast<float*>(step_.dscores) + kMaxTileRows * kMaxTileRows / 2 +
           index * kUnitElements;
  }
  /// S^T and dP^T of the unit at `place`, which counts units over all strips: [32, 32] each.
  float* scores_of(int place) const { return slot(place % (kUnitsAhead + 1) * 2); }
  float* dprobs_of(int place) const { return slot(place % (kUnitsAhead + 1) * 2 + 1); }

  /// S^T and dP^T of the unit at `place`. `between(Int<rows>)` is called after each product, with
  /// the first count during S^T and the second during dP^T.
  template <int kRowsPerScore, int kRowsPerDprob, typename Between>
  RADIAL_ALWAYS_INLINE void make_scores(int place, const Between& between) {
    const int row = place / units_ * kKeyRows * depth_;
    const int query = place % units_ * kUnitQueries * depth_;
    const auto product = [&](const Unit* rows, const Unit* across, float* to, auto count)
        __attribute__((always_inline)) {
      const auto after_dot = [&]() __attribute__((always_inline)) { between(count); };
      BlockOperands x = {reinterpret_cast<const Half*>(rows + row), depth_ * kPairs, across + query,
                         depth_ * kPanel};
      block_.template begin<false>({to, kUnitQueries, true}, x, after_dot);
      for (int i = 1; i < tile_steps_; ++i) {
        x.a += kTileDepth;
        x.b += kTileUnits;
        block_.add(x, after_dot);
      }
    };
    product(step_.k_rows, step_.q_across, scores_of(place), Int<kRowsPerScore>{});
    product(step_.v_rows, step_.dout_across, dprobs_of(place), Int<kRowsPerDprob>{});
  }

  /// P^T, dS^T and dS of a unit, and beside them the scores of a later one.
  void differentiate(int place, int strip, int unit) {
    Gradients g = gradients(place, strip, unit);
    const int later = place + kUnitsAhead;
    const auto between = [&](auto rows) __attribute__((always_inline)) {
      g.rows<decltype(rows)::value>();
    };
    switch (later < strips_ * units_ ? tile_steps_ : 0) {
      case 0:
        block_.store();
        break;
      case 1:
        make_scores<4, 4>(later, between);
        break;
      case 2:
        make_scores<2, 2>(later, between);
        break;
      case 3:
      case 4:
        make_scores<1, 1>(later, between);
        break;
      default:
        make_scores<1, 0>(later, between);
    }
    while (g.row < kKeyRows) g.rows<4>();
    transpose_dscores(strip, unit);
  }

  /// S^T and dP^T to P^T and dS^T, row by row; keys that do not exist have none.
  struct Gradients {
    const float* scores;
    const float* dprobs;
    Half* probs;
    Half* dscore;
    std::int64_t keys;
    Vec scale;
    Vec reference[kUnitVectors], delta[kUnitVectors];
    std::int64_t row = 0;

    template <int kCount>
    RADIAL_ALWAYS_INLINE void rows() {
      RADIAL_UNROLL
      for (int i = 0; i < kCount; ++i, ++row) {
        const __mmask16 exists = row < keys ? 0xffff : 0;
        Vec p[kUnitVectors], ds[kUnitVectors];
        RADIAL_UNROLL
        for (int j = 0; j < kUnitVectors; ++j) {
          const std::int64_t place = row * kUnitQueries + j * kWidth;
          const Vec score = _mm512_fmsub_ps(Simd::load(scores + place), scale, reference[j]);
          p[j] = exp2_of_floor(score, exists);
          ds[j] = p[j] * (Simd::load(dprobs + place) - delta[j]);
        }
        _mm512_storeu_si512(probs + row * kUnitQueries, rounded(p[0], p[1]));
        _mm512_storeu_si512(dscore + row * kUnitQueries,
                            _mm512_maskz_mov_epi32(exists, rounded(ds[0], ds[1])));
      }
    }
  };

  Gradients gradients(int place, int strip, int unit) const {
    Gradients g = {.scores = scores_of(place),
                   .dprobs = dprobs_of(place),
                   .probs = probs() + unit * kUnitElements,
                   .dscore = dscore() + unit * kUnitElements,
                   .keys = step_.keys - strip * kKeyRows,
                   .scale = Simd::set(step_.scale * kLog2E),
                   .reference = {},
                   .delta = {}};
    RADIAL_UNROLL
    for (int i = 0; i < kUnitVectors; ++i) {
      g.reference[i] = Simd::load(references_ + unit * kUnitQueries + i * kWidth);
      g.delta[i] = Simd::load(step_.delta + unit * kUnitQueries + i * kWidth);
    }
    return g;
  }

  /// dS of the unit: rows of queries, pairs of keys.
  void transpose_dscores(int strip, int unit) {
    constexpr int kKeyPairs = kKeyRows / 2;
    const Half* const from = dscore() + unit * kUnitElements;
    Half* const to = dscores_of(unit, strip);
    for (int half = 0; half < 2; ++half) {
      __m512i pairs[kKeyPairs], queries[kKeyPairs];
      RADIAL_UNROLL
      for (int i = 0; i < kKeyPairs; ++i) {
        const __m512i even = _mm512_loadu_si512(from + 2 * i * kUnitQueries);
        const __m512i odd = _mm512_loadu_si512(from + (2 * i + 1) * kUnitQueries);
        pairs[i] = half == 0 ? _mm512_unpacklo_epi16(even, odd) : _mm512_unpackhi_epi16(even, odd);
      }
      transpose(pairs, queries);
      // Unpacking takes four queries of each eight.
      RADIAL_UNROLL
      for (int i = 0; i < kKeyPairs; ++i) {
        _mm512_storeu_si512(to + (i / 4 * 8 + half * 4 + i % 4) * kKeyRows, queries[i]);
      }
    }
  }

  /// Adds the product of units [count, 32, 32] with panels along D to 32 rows of D floats.
  void add_product(const Half* units, int count, const AlongPanels& panels, float* to) {
    for (int column = 0; column < step_.head_dim; column += kBlockColumns) {
      BlockOperands x = {units, kUnitQueries, along_tile(panels, column, 0),
                         panels.rows * kTileColumns};
      block_.begin<true>({to + column, step_.head_dim, step_.head_dim - column >= kBlockColumns}, x,
                         [] {});
      for (int i = 1; i < count; ++i) {
        x.a += kUnitElements;
        x.b += kTileUnits;
        block_.add(x, [] {});
      }
    }
  }

  const BackwardStep& step_;
  const int depth_;       // units of a row
  const int tile_steps_;  // of a product that sums over D
  const int units_, strips_;

  TileBlock block_;
  alignas(64) float references_[kMaxTileRows];  // log2 of the sums of exponentials
};

void backward_step(const BackwardStep& step) {
  Tiles::configure();
  BackwardPipeline(step).run();
  Tiles::release();
}

}  // namespace
}  // namespace radial::cpu
