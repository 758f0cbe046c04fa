#pragma once

#include "attention/cpu/prefetcher.h"
#include "attention/cpu/tile_queue.h"

// Strips of 32 keys walk over units of 32 queries. S^T and dP^T [keys, queries] are made on tiles,
// so that P^T and dS^T are the A operands of dV = P^T dO and dK = dS^T Q as they are; dS for dQ =
// dS K is transposed in registers. While a unit becomes P and dS, the next unit's products and a
// share of the strip before's dV and dK are made on tiles.

namespace radial::cpu {
namespace {

constexpr int kKeyRows = kJobRows;
constexpr int kUnitQueries = kJobColumns;
static_assert(kKeyRows <= kMaxStripRows * kPairs, "a strip's P fits");

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
        columns_(column_jobs(step.head_dim)),
        units_(divide_up(step.queries, kUnitQueries)),
        strips_(divide_up(step.keys, kKeyRows)) {}

  void run() {
    for (int unit = 0; unit < units_; ++unit) {
      RADIAL_UNROLL
      for (int i = 0; i < kUnitVectors; ++i) {
        const int query = unit * kUnitQueries + i * kWidth;
        Simd::store(references_ + query, Simd::load(step_.lse + query) * Simd::set(kLog2E));
      }
    }
    prefetch_next();
    push_scores(0, 0);
    queue_.finish();
    for (int strip = 0; strip < strips_; ++strip) {
      for (int unit = 0; unit < units_; ++unit) differentiate(strip, unit);
    }
    push_columns(strips_ - 1, 0, 2 * columns_);
    queue_.finish();
    add_dq();
  }

 private:
  static constexpr int kUnitVectors = kUnitQueries / kWidth;
  static constexpr int kStride = kMaxTileRows;  // elements of a row of P^T, dS^T and dS

  Half* dscores() const { return reinterpret_cast<Half*>(step_.dscores); }
  /// P^T of even and odd strips; the latter where dS leaves half of its memory free.
  Half* probs_of(int strip) const {
    return strip % 2 == 0 ? reinterpret_cast<Half*>(step_.probs)
                          : dscores() + kMaxTileRows * kStride;
  }
  Half* dscore_of(int strip) const {
    return strip % 2 == 0 ? reinterpret_cast<Half*>(step_.dscore)
                          : dscores() + (kMaxTileRows + kKeyRows) * kStride;
  }

  void prefetch_next() {
    const std::int64_t across = std::int64_t{depth_} * std::int64_t{sizeof(Unit)};
    const std::int64_t queries = step_.next_queries;
    prefetcher_.push(step_.q_across + step_.queries * depth_, queries * across);
    prefetcher_.push(step_.dout_across + step_.queries * depth_, queries * across);
    const auto behind = [&](AlongPanels panels) {
      panels.first_row += step_.queries / kPairs;
      return panels;
    };
    prefetcher_.push(behind(step_.q_along), step_.next_queries, step_.head_dim);
    prefetcher_.push(behind(step_.dout_along), step_.next_queries, step_.head_dim);
    prefetcher_.push(step_.dq + std::int64_t{step_.queries} * step_.head_dim,
                     queries * step_.head_dim * std::int64_t{sizeof(float)});
  }

  /// S^T and dP^T of a unit.
  void push_scores(int strip, int unit) {
    TileJob job;
    job.a_stride = depth_ * kPairs;
    job.b_second = depth_ * kPanel;
    job.c_stride = kUnitQueries;
    job.steps = depth_ / kTileRows;
    const auto push = [&](const Unit* rows, const Unit* across, float* to) {
      job.a = reinterpret_cast<const Half*>(rows + strip * kKeyRows * depth_);
      job.set_b(across + unit * kUnitQueries * depth_);
      job.c = to;
      queue_.push(job);
    };
    push(step_.k_rows, step_.q_across, scores_[parity_]);
    push(step_.v_rows, step_.dout_across, dprobs_[parity_]);
  }

  /// Products of rows [32, depth] with panels along D, added to 32 rows of D floats.
  void push_column(const Half* rows, const AlongPanels& panels, int depth, int column, float* to) {
    TileJob job;
    job.a = rows;
    job.a_stride = kStride;
    job.b_second = panels.rows * kTileColumns;
    job.c = to + column;
    job.c_stride = step_.head_dim;
    job.steps = divide_up(depth, kTileDepth);
    job.set_b(along_tile(panels, column, 0));
    job.wide = step_.head_dim - column >= kJobColumns;
    job.adds = true;
    queue_.push(job);
  }

  /// Jobs `begin` to `end` of a strip: first those of dV, then those of dK.
  void push_columns(int strip, int begin, int end) {
    const std::int64_t place = std::int64_t{strip} * kKeyRows * step_.head_dim;
    for (int job = begin; job < end; ++job) {
      if (job < columns_) {
        push_column(probs_of(strip), step_.dout_along, step_.queries, job * kJobColumns,
                    step_.dv + place);
      } else {
        push_column(dscore_of(strip), step_.q_along, step_.queries, (job - columns_) * kJobColumns,
                    step_.dk + place);
      }
    }
  }

  void differentiate(int strip, int unit) {
    const bool last = unit + 1 == units_;
    parity_ ^= 1;
    if (!last) {
      push_scores(strip, unit + 1);
    } else if (strip + 1 < strips_) {
      push_scores(strip + 1, 0);
    }
    parity_ ^= 1;
    if (strip > 0) {
      push_columns(strip - 1, 2 * columns_ * unit / units_, 2 * columns_ * (unit + 1) / units_);
    }
    exponentiate(strip, unit);
    queue_.finish();
    transpose_dscores(strip, unit);
    parity_ ^= 1;
  }

  /// What is to be done beside the first `row` rows of a unit.
  RADIAL_ALWAYS_INLINE void run_to(int strip, int unit, int row) {
    queue_.run_to(row, kKeyRows);
    prefetcher_.run_to((strip * units_ + unit) * kKeyRows + row, strips_ * units_ * kKeyRows);
  }

  /// P^T and dS^T of a unit; keys that do not exist have none.
  void exponentiate(int strip, int unit) {
    const Vec scale = Simd::set(step_.scale * kLog2E);
    const int query = unit * kUnitQueries;
    Half* probs = probs_of(strip) + query;
    Half* dscore = dscore_of(strip) + query;
    Vec reference[kUnitVectors], delta[kUnitVectors];
    for (int i = 0; i < kUnitVectors; ++i) {
      reference[i] = Simd::load(references_ + query + i * kWidth);
      delta[i] = Simd::load(step_.delta + query + i * kWidth);
    }
    const int keys = smaller(kKeyRows, step_.keys - strip * kKeyRows);
    for (int row = 0; row < kKeyRows; ++row) {
      const float* const scores = scores_[parity_] + row * kUnitQueries;
      const float* const dprobs = dprobs_[parity_] + row * kUnitQueries;
      Vec p[kUnitVectors], ds[kUnitVectors];
      RADIAL_UNROLL
      for (int i = 0; i < kUnitVectors; ++i) {
        p[i] = exp2_of_floor(_mm512_fmsub_ps(Simd::load(scores + i * kWidth), scale, reference[i]));
        ds[i] = p[i] * (Simd::load(dprobs + i * kWidth) - delta[i]);
      }
      const __mmask16 exists = row < keys ? 0xffff : 0;
      _mm512_storeu_si512(probs, _mm512_maskz_mov_epi32(exists, rounded(p[0], p[1])));
      const __m512i rounded_ds = _mm512_maskz_mov_epi32(exists, rounded(ds[0], ds[1]));
      _mm512_storeu_si512(dscore, rounded_ds);
      probs += kStride;
      dscore += kStride;
      if (row % 2 == 1) run_to(strip, unit, row + 1);
    }
  }

  /// dS of the unit: rows of queries, pairs of keys.
  void transpose_dscores(int strip, int unit) {
    constexpr int kKeyPairs = kKeyRows / 2;
    const Half* const from = dscore_of(strip) + unit * kUnitQueries;
    Half* const to = dscores() + unit * kUnitQueries * kStride + strip * kKeyRows;
    for (int half = 0; half < 2; ++half) {
      __m512i pairs[kKeyPairs], queries[kKeyPairs];
      RADIAL_UNROLL
      for (int i = 0; i < kKeyPairs; ++i) {
        const __m512i even = _mm512_loadu_si512(from + 2 * i * kStride);
        const __m512i odd = _mm512_loadu_si512(from + (2 * i + 1) * kStride);
        pairs[i] = half == 0 ? _mm512_unpacklo_epi16(even, odd) : _mm512_unpackhi_epi16(even, odd);
      }
      transpose(pairs, queries);
      // Unpacking takes four queries of each eight.
      RADIAL_UNROLL
      for (int i = 0; i < kKeyPairs; ++i) {
        _mm512_storeu_si512(to + (i / 4 * 8 + half * 4 + i % 4) * kStride, queries[i]);
      }
    }
  }

  void add_dq() {
    for (int query = 0; query < step_.queries; query += kUnitQueries) {
      for (int job = 0; job < columns_; ++job) {
        push_column(dscores() + query * kStride, step_.k_along, step_.keys, job * kJobColumns,
                    step_.dq + std::int64_t{query} * step_.head_dim);
      }
      queue_.finish();
    }
  }

  const BackwardStep& step_;
  const int depth_;    // units of a row
  const int columns_;  // jobs for all columns of D
  const int units_, strips_;

  TileQueue<false> queue_;
  Prefetcher<3 + 2 * kMaxHeadDim / kPanel> prefetcher_;
  int parity_ = 0;  // of two buffers each
  alignas(64) float scores_[2][kKeyRows * kUnitQueries];
  alignas(64) float dprobs_[2][kKeyRows * kUnitQueries];
  alignas(64) float references_[kMaxTileRows];  // log2 of the sums of exponentials
};

void backward_step(const BackwardStep& step) {
  Tiles::configure();
  BackwardPipeline(step).run();
  Tiles::release();
}

}  // namespace
}  // namespace radial::cpu
