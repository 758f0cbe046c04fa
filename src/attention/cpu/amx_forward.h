#pragma once

#include "attention/cpu/tile_block.h"

// Strips of 32 queries walk over units of 32 keys. While a unit's scores become exponentials, those
// of the unit after the next are made on tiles: a score that was just stored would be waited for.
// The keys of some units, a group, go into the output at once, so that it is loaded and stored
// seldom.

namespace radial::cpu {
namespace {

constexpr int kStripRows = kBlockRows;
constexpr int kUnitKeys = kBlockColumns;
constexpr int kUnitScores = kStripRows * kUnitKeys;
constexpr int kMaxUnits = Simd::kStepKeys / kUnitKeys;
constexpr int kGroupUnits = 8;  // at most
constexpr int kAhead = 2;       // units

static_assert(kUnitKeys == 2 * kWidth, "a row of a unit is two vectors");
static_assert((kAhead + 2) * kUnitScores <= kMaxStripRows * kMaxStepKeys, "units' scores fit");
static_assert(kGroupUnits * kUnitScores <= kPairs * kMaxStripRows * kMaxStepKeys,
              "a group's exponentials fit");

/// The reference of a row's exponentials is raised when they sum to more than this in a lane.
constexpr float kMostSum = 256;
/// Stands for the reference -inf, under which -inf - -inf would come up.
constexpr float kLowestReference = -1e30f;

class ForwardPipeline {
 public:
  explicit ForwardPipeline(const ForwardStep& step)
      : step_(step),
        depth_(depth_of(step.head_dim)),
        tile_steps_(depth_ / kTileRows),
        v_panel_(step.spans[0].v.rows * kTileColumns),
        block_({step.scores + (kAhead + 1) * kUnitScores, kUnitKeys, true}) {
    for (int i = 0; i < step.num_spans; ++i) {
      const KeySpan& span = step.spans[i];
      for (int key = 0; key < span.keys; key += kUnitKeys) {
        units_[num_units_++] = {span.k_panels + key * depth_, along_tile(span.v, 0, key / kPairs),
                                smaller(kUnitKeys, span.keys - key)};
      }
    }
    places_ = divide_up(step.rows, kStripRows) * num_units_;
  }

  void run() {
    for (int place = 0; place < kAhead && place < places_; ++place) {
      make_scores<1>(place, [](auto) {});
    }
    block_.store();
    int place = 0;
    for (int strip = 0; place < places_; ++strip) {
      begin_strip(strip);
      for (int unit = 0; unit < num_units_; ++unit, ++place) {
        attend(place, strip, unit);
        if (unit + 1 == num_units_ || unit + 1 - group_begin_ == kGroupUnits) {
          add_group(strip, unit + 1);
        }
      }
      end_strip(strip);
    }
    block_.store();
  }

 private:
  struct KeyUnit {
    const Unit* k;  // two panels
    const Unit* v;  // tile of the first columns
    int keys;       // that exist
  };

  /// Scores [32, 32] of the unit at `place`, which counts units over all strips.
  float* scores_of(int place) const { return step_.scores + place % (kAhead + 1) * kUnitScores; }
  /// Exponentials of a unit of the group: [32, 32].
  Half* probs_of(int unit) const {
    return reinterpret_cast<Half*>(step_.probs) + (unit - group_begin_) * kUnitScores;
  }
  float* out_of(int strip) const { return step_.out + strip * kStripRows * step_.head_dim; }

  /// Scores of the unit at `place`. `between(Int<rows>)` is called after each product.
  template <int kRowsPerDot, typename Between>
  RADIAL_ALWAYS_INLINE void make_scores(int place, const Between& between) {
    const Unit* const q = step_.q + place / num_units_ * kStripRows * depth_;
    BlockOperands x = {reinterpret_cast<const Half*>(q), depth_ * kPairs,
                       units_[place % num_units_].k, depth_ * kPanel};
    const auto after_dot = [&]() __attribute__((always_inline)) { between(Int<kRowsPerDot>{}); };
    block_.template begin<false>({scores_of(place), kUnitKeys, true}, x, after_dot);
    for (int i = 1; i < tile_steps_; ++i) {
      x.a += kTileDepth;
      x.b += kTileUnits;
      block_.add(x, after_dot);
    }
  }

  /// Exponentials of a unit, and beside them the scores of a later one.
  void attend(int place, int strip, int unit) {
    Exponentials e = exponentials(place, unit);
    const auto between = [&](auto rows) __attribute__((always_inline)) {
      e.rows<decltype(rows)::value>();
    };
    switch (place + kAhead < places_ ? tile_steps_ : 0) {
      case 0:
        block_.store();
        break;
      case 1:
        make_scores<8>(place + kAhead, between);
        break;
      case 2:
        make_scores<4>(place + kAhead, between);
        break;
      case 3:
      case 4:
        make_scores<2>(place + kAhead, between);
        break;
      default:
        make_scores<1>(place + kAhead, between);
    }
    while (e.row < kStripRows) e.rows<4>();
    if (_mm512_cmp_ps_mask(e.most, Simd::set(kMostSum), _CMP_GT_OQ) != 0) {
      repeat(place, strip, unit);
    }
    sums_parity_ ^= 1;
  }

  /// Scores of some rows to exponentials, and their sums.
  struct Exponentials {
    const float* scores;
    Half* probs;
    const float* references;
    const float* sums;
    float* new_sums;
    Vec scale;
    __mmask16 left, right;  // columns that exist
    Vec most = Simd::set(0.0f);
    std::int64_t row = 0;

    template <int kCount>
    RADIAL_ALWAYS_INLINE void rows() {
      RADIAL_UNROLL
      for (int i = 0; i < kCount; ++i, ++row) {
        const Vec reference = Simd::set(references[row]);
        const float* const from = scores + row * kUnitKeys;
        const Vec p = exp2_of_floor(_mm512_fmsub_ps(Simd::load(from), scale, reference), left);
        const Vec q =
            exp2_of_floor(_mm512_fmsub_ps(Simd::load(from + kWidth), scale, reference), right);
        _mm512_storeu_si512(probs + row * kUnitKeys, rounded(p, q));
        const Vec sum = p + q;
        most = Simd::max(sum, most);
        Simd::store(new_sums + row * kWidth, Simd::load(sums + row * kWidth) + sum);
      }
    }
  };

  Exponentials exponentials(int place, int unit) {
    const int keys = units_[unit].keys;
    return {.scores = scores_of(place),
            .probs = probs_of(unit),
            .references = references_,
            .sums = sums_[sums_parity_][0],
            .new_sums = sums_[sums_parity_ ^ 1][0],
            .scale = Simd::set(step_.scale * kLog2E),
            .left = lanes_before(keys),
            .right = lanes_before(keys - kWidth)};
  }

  /// The unit under higher references; what was summed so far is brought under them before.
  void repeat(int place, int strip, int unit) {
    add_group(strip, unit);
    block_.store();
    raise_references(place, strip, unit);
    Exponentials e = exponentials(place, unit);
    while (e.row < kStripRows) e.rows<4>();
  }

  /// Adds the product with V of the group's exponentials up to unit `end`, where the next begins.
  void add_group(int strip, int end) {
    for (int column = 0; column < step_.head_dim && group_begin_ < end; column += kBlockColumns) {
      const std::int64_t panel = column / kTileColumns * v_panel_;
      const BlockSums out = {out_of(strip) + column, step_.head_dim,
                             step_.head_dim - column >= kBlockColumns};
      const auto operands = [&](int unit) __attribute__((always_inline)) {
        return BlockOperands{probs_of(unit), kUnitKeys, units_[unit].v + panel, v_panel_};
      };
      block_.begin<true>(out, operands(group_begin_), [] {});
      for (int unit = group_begin_ + 1; unit < end; ++unit) block_.add(operands(unit), [] {});
    }
    group_begin_ = end;
  }

  void begin_strip(int strip) {
    group_begin_ = 0;
    for (int row = 0; row < kStripRows; ++row) {
      refer(row, step_.maxima[strip * kStripRows + row]);
      Simd::store(sums_[sums_parity_][row], Simd::set(0.0f));
    }
    if (step_.maxima[strip * kStripRows] == kMinusInfinity) {
      raise_references(strip * num_units_, strip, 0);
    }
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

  /// Raises the references of rows to the unit's largest scores, and what was summed follows.
  void raise_references(int place, int strip, int unit) {
    const Vec scale = Simd::set(step_.scale);
    for (int row = 0; row < kStripRows; ++row) {
      const float* const scores = scores_of(place) + row * kUnitKeys;
      const int index = strip * kStripRows + row;
      Vec top = Simd::set(step_.maxima[index]);
      for (int i = 0; i < kUnitKeys; i += kWidth) {
        top = Simd::max(Simd::first_lanes(units_[unit].keys - i, scale * Simd::load(scores + i),
                                          kMinusInfinity),
                        top);
      }
      const float maximum = Simd::largest_lane(top);
      if (!(maximum > step_.maxima[index])) continue;
      const Vec before = Simd::set(references_[row]);
      step_.maxima[index] = maximum;
      refer(row, maximum);
      const Vec factor = exp2_of_floor(before - Simd::set(references_[row]));
      step_.sums[index] *= Simd::first_lane(factor);
      float* const sums = sums_[sums_parity_][row];
      Simd::store(sums, factor * Simd::load(sums));
      float* const out = step_.out + std::int64_t{index} * step_.head_dim;
      for (int d = 0; d < step_.head_dim; d += kWidth) {
        Simd::store(out + d, factor * Simd::load(out + d));
      }
    }
  }

  const ForwardStep& step_;
  const int depth_;             // units of a row
  const int tile_steps_;        // of scores
  const std::int64_t v_panel_;  // units
  KeyUnit units_[kMaxUnits];
  int num_units_ = 0, places_ = 0;

  TileBlock block_;
  int group_begin_ = 0;  // the first unit that is not yet in the output
  int sums_parity_ = 0;
  float references_[kStripRows];  // log2 of what counts as 1
  alignas(64) float sums_[2][kStripRows][kWidth];
};

void forward_step(const ForwardStep& step) {
  Tiles::configure();
  ForwardPipeline(step).run();
  Tiles::release();
}

}  // namespace
}  // namespace radial::cpu
