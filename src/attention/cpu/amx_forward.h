#pragma once

#include "attention/cpu/prefetcher.h"
#include "attention/cpu/tile_queue.h"

// Strips of queries walk over units of 64 keys. While a unit's scores become exponentials, the
// next unit's scores and a share of the product of older exponentials with V are made on tiles. The
// keys of a few units, a group, go into the output at once, so that it is loaded and stored seldom.

namespace radial::cpu {
namespace {

constexpr int kStripRows = kJobRows;
constexpr int kUnitKeys = 64;
constexpr int kGroupUnits = 4;
constexpr int kGroupKeys = kGroupUnits * kUnitKeys;
constexpr int kMaxUnits = Simd::kStepKeys / kUnitKeys;
constexpr int kUnitVectors = kUnitKeys / kWidth;

static_assert(2 * kStripRows * kUnitKeys <= kMaxStripRows * kMaxStepKeys, "two units' scores fit");
static_assert(2 * kStripRows * kGroupKeys <= 2 * kMaxStripRows * kMaxStepKeys,
              "two groups' exponentials fit");
static_assert(kGroupKeys <= kMaxJobSteps * kTileDepth, "a group is one job");

/// The reference of a row's exponentials is raised when they sum to more than this in a lane.
constexpr float kMostSum = 256;
/// Stands for the reference -inf, under which -inf - -inf would come up.
constexpr float kLowestReference = -1e30f;

class ForwardPipeline {
 public:
  explicit ForwardPipeline(const ForwardStep& step)
      : step_(step), depth_(depth_of(step.head_dim)), columns_(column_jobs(step.head_dim)) {
    for (int i = 0; i < step.num_next_spans; ++i) {
      const KeySpan& span = step.maybe_next_spans[i];
      prefetcher_.push(span.k_panels,
                       std::int64_t{span.keys} * depth_ * std::int64_t{sizeof(Unit)});
      prefetcher_.push(span.v, span.keys, step.head_dim);
    }
    for (int i = 0; i < step.num_spans; ++i) {
      const KeySpan& span = step.spans[i];
      for (int key = 0; key < span.keys; key += kUnitKeys) {
        units_[num_units_++] = {span.k_panels + key * depth_, along_tile(span.v, 0, key / kPairs),
                                smaller(kUnitKeys, span.keys - key)};
      }
    }
  }

  void run() {
    push_scores(0, 0);
    queue_.finish();
    for (int strip = 0; strip * kStripRows < step_.rows; ++strip) {
      begin_strip(strip);
      for (int unit = 0; unit < num_units_; ++unit) attend(strip, unit);
      end_strip(strip);
    }
    close_group();
    finish_group();
  }

 private:
  struct KeyUnit {
    const Unit* k;  // panels of kUnitKeys keys
    const Unit* v;  // tiles of the first columns
    int keys;       // that exist
  };
  /// Units of one strip whose exponentials wait for V.
  struct Group {
    float* out;  // of the strip
    const Half* probs;
    const Unit* v[kGroupUnits];
    int num_units;
  };

  Half* probs_of(int parity) const {
    return reinterpret_cast<Half*>(step_.probs) + parity * kStripRows * kGroupKeys;
  }
  float* scores_of(int parity) const { return step_.scores + parity * kStripRows * kUnitKeys; }
  float* out_of(int strip) const { return step_.out + strip * kStripRows * step_.head_dim; }

  void push_scores(int strip, int unit) {
    TileJob job;
    job.a = reinterpret_cast<const Half*>(step_.q + strip * kStripRows * depth_);
    job.a_stride = depth_ * kPairs;
    job.b_second = depth_ * kPanel;
    job.c_stride = kUnitKeys;
    job.steps = depth_ / kTileRows;
    for (int key = 0; key < kUnitKeys; key += kJobColumns) {
      const Unit* const k = units_[unit].k + key * depth_;
      job.set_b(k);
      job.c = scores_of(scores_parity_) + key;
      queue_.push(job);
    }
  }

  /// Products of the pending group with V for columns before job `end`.
  void push_columns(int end) {
    for (; column_ < end; ++column_) {
      const int column = column_ * kJobColumns;
      const std::int64_t panel = step_.spans[0].v.rows * kTileColumns;
      TileJob job;
      job.a = pending_.probs;
      job.a_stride = kGroupKeys;
      for (int i = 0; i < pending_.num_units; ++i) {
        job.b[i] = pending_.v[i] + column / kTileColumns * panel;
      }
      job.b_second = panel;
      job.c = pending_.out + column;
      job.c_stride = step_.head_dim;
      job.steps = pending_.num_units * kUnitKeys / kTileDepth;
      job.wide = step_.head_dim - column >= kJobColumns;
      job.adds = true;
      queue_.push(job);
    }
  }

  void finish_group() {
    push_columns(pending_.num_units > 0 ? columns_ : 0);
    queue_.finish();
    pending_.num_units = 0;
  }

  /// The current group becomes the pending one, and the next begins.
  void close_group() {
    finish_group();
    pending_ = current_;
    column_ = 0;
    probs_parity_ ^= 1;
    current_.num_units = 0;
  }

  void begin_strip(int strip) {
    close_group();
    current_.out = out_of(strip);
    for (int row = 0; row < kStripRows; ++row) {
      refer(row, step_.maxima[strip * kStripRows + row]);
      Simd::store(sums_[0][row], Simd::set(0.0f));
    }
    sums_parity_ = 0;
    if (step_.maxima[strip * kStripRows] == kMinusInfinity) raise_references(strip, 0);
  }

  void end_strip(int strip) {
    for (int row = 0; row < kStripRows; ++row) {
      step_.sums[strip * kStripRows + row] +=
          Simd::sum_of_lanes(Simd::load(sums_[sums_parity_][row]));
    }
  }

  void refer(int row, float maximum) {
    const float reference = maximum * kLog2E;
    references_[row] = reference > kLowestReference ? reference : kLowestReference;
  }

  void attend(int strip, int unit) {
    if (current_.num_units == kGroupUnits) close_group();
    if (current_.num_units == 0) {
      group_end_ = smaller(num_units_, unit + kGroupUnits);
      first_column_ = column_;
    }
    push_next_scores(strip, unit);
    if (pending_.num_units > 0) {
      const int units = current_.num_units + group_end_ - unit;
      push_columns(first_column_ + (columns_ - first_column_) * (current_.num_units + 1) / units);
    }
    const int parts = divide_up(step_.rows, kStripRows) * num_units_ * kStripRows;
    const int part = (strip * num_units_ + unit) * kStripRows;
    const Vec most = exponentiate(
        unit, [&](int row) __attribute__((always_inline)) {
          queue_.run_to(row, kStripRows);
          prefetcher_.run_to(part + row, parts);
        });
    queue_.finish();
    if (_mm512_cmp_ps_mask(most, Simd::set(kMostSum), _CMP_GT_OQ) != 0) {
      flush();
      raise_references(strip, unit);
      exponentiate(unit, [](int) {});
    }
    sums_parity_ ^= 1;
    scores_parity_ ^= 1;
    current_.probs = probs_of(probs_parity_);
    current_.v[current_.num_units++] = units_[unit].v;
  }

  /// Scores of the unit that follows, of the next strip after the last.
  void push_next_scores(int strip, int unit) {
    const bool last = unit + 1 == num_units_;
    if (last && (strip + 1) * kStripRows >= step_.rows) return;
    scores_parity_ ^= 1;
    push_scores(last ? strip + 1 : strip, last ? 0 : unit + 1);
    scores_parity_ ^= 1;
  }

  /// Scores of a unit to exponentials, and row sums; `between(row)` is called after some rows.
  /// Returns the largest sums of lanes.
  template <typename Between>
  RADIAL_ALWAYS_INLINE Vec exponentiate(int unit, const Between& between) {
    const int keys = units_[unit].keys;
    return keys == kUnitKeys ? exponentiate_rows<false>(keys, between)
                             : exponentiate_rows<true>(keys, between);
  }

  template <bool kRagged, typename Between>
  RADIAL_ALWAYS_INLINE Vec exponentiate_rows(int keys, const Between& between) {
    const Vec scale = Simd::set(step_.scale * kLog2E);
    const float* scores = scores_of(scores_parity_);
    Half* probs = probs_of(probs_parity_) + current_.num_units * kUnitKeys;
    Vec most = Simd::set(0.0f);
    for (int row = 0; row < kStripRows; ++row) {
      const Vec reference = Simd::set(references_[row]);
      Vec p[kUnitVectors];
      RADIAL_UNROLL
      for (int i = 0; i < kUnitVectors; ++i) {
        p[i] = exp2_of_floor(_mm512_fmsub_ps(Simd::load(scores + i * kWidth), scale, reference));
        if constexpr (kRagged) p[i] = Simd::first_lanes(keys - i * kWidth, p[i], 0);
      }
      _mm512_storeu_si512(probs, rounded(p[0], p[1]));
      _mm512_storeu_si512(probs + 2 * kWidth, rounded(p[2], p[3]));
      const Vec sum = (p[0] + p[1]) + (p[2] + p[3]);
      most = Simd::max(sum, most);
      Simd::store(sums_[sums_parity_ ^ 1][row], Simd::load(sums_[sums_parity_][row]) + sum);
      scores += kUnitKeys;
      probs += kGroupKeys;
      if (row % 2 == 1) between(row + 1);
    }
    return most;
  }

  /// Adds all exponentials made so far into the output.
  void flush() {
    close_group();
    finish_group();
  }

  /// Raises the references of rows to the unit's largest scores, and what was summed follows.
  void raise_references(int strip, int unit) {
    const Vec scale = Simd::set(step_.scale);
    for (int row = 0; row < kStripRows; ++row) {
      const float* const scores = scores_of(scores_parity_) + row * kUnitKeys;
      const int place = strip * kStripRows + row;
      Vec top = Simd::set(step_.maxima[place]);
      for (int i = 0; i < kUnitVectors; ++i) {
        top = Simd::max(Simd::first_lanes(units_[unit].keys - i * kWidth,
                                          scale * Simd::load(scores + i * kWidth), kMinusInfinity),
                        top);
      }
      const float maximum = Simd::largest_lane(top);
      if (!(maximum > step_.maxima[place])) continue;
      const Vec before = Simd::set(references_[row]);
      step_.maxima[place] = maximum;
      refer(row, maximum);
      const Vec factor = exp2_of_floor(before - Simd::set(references_[row]));
      step_.sums[place] *= Simd::first_lane(factor);
      float* const sums = sums_[sums_parity_][row];
      Simd::store(sums, factor * Simd::load(sums));
      float* const out = step_.out + std::int64_t{place} * step_.head_dim;
      for (int d = 0; d < step_.head_dim; d += kWidth) {
        Simd::store(out + d, factor * Simd::load(out + d));
      }
    }
  }

  const ForwardStep& step_;
  const int depth_;    // units of a row
  const int columns_;  // jobs for all columns of D
  KeyUnit units_[kMaxUnits];
  int num_units_ = 0;

  TileQueue<true> queue_;
  Prefetcher<kMaxSpans*(1 + kMaxHeadDim / kPanel)> prefetcher_;
  Group pending_ = {}, current_ = {};
  int column_ = 0;        // the pending group's next job
  int first_column_ = 0;  // the same when the current group began
  int group_end_ = 0;     // the unit that ends the current group
  int scores_parity_ = 0, probs_parity_ = 0, sums_parity_ = 0;  // which of two buffers
  float references_[kStripRows];                                // log2 of what counts as 1
  alignas(64) float sums_[2][kStripRows][kWidth];
};

void forward_step(const ForwardStep& step) {
  Tiles::configure();
  ForwardPipeline(step).run();
  Tiles::release();
}

}  // namespace
}  // namespace radial::cpu
