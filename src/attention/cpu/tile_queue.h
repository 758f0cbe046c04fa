#pragma once

#include "attention/cpu/packing.h"

// Included after `Tiles` is defined in the unnamed namespace. Products on tiles, cut into small
// steps that are issued between vector instructions: the processor then runs both at once.

namespace radial::cpu {
namespace {

constexpr int kTileRows = 16;
constexpr int kTileColumns = 16;           // float32, or pairs of bfloat16
constexpr int kTileDepth = 2 * kTileRows;  // elements that one instruction sums over
constexpr int kTileUnits = kTileRows * kTileColumns;
constexpr int kRowBytes = 64;

constexpr int kJobRows = 2 * kTileRows;
constexpr int kJobColumns = 2 * kTileColumns;
constexpr int kMaxJobSteps = 8;  // of kTileDepth each

/// C [32, 32 or 16] (+)= A [32, depth] * B [depth, 32 or 16].
struct TileJob {
  const Half* a = nullptr;
  std::int64_t a_stride = 0;             // elements from row to row
  const Unit* b[kMaxJobSteps / 2] = {};  // tiles of two steps, one behind the other
  std::int64_t b_second = 0;             // units from there to the tiles of columns 16 and up
  float* c = nullptr;
  std::int64_t c_stride = 0;  // floats from row to row
  int steps = 0;              // depth / kTileDepth
  bool wide = true;           // 32 columns
  bool adds = false;          // to what C holds

  /// B's tiles of all steps lie one behind the other.
  void set_b(const Unit* first) {
    for (int i = 0; 2 * i < steps; ++i) b[i] = first + i * 2 * kTileUnits;
  }
};

/// Tiles in use: C 0 to 3 (upper and lower rows of the left columns, then of the right), A 4 and 5,
/// B 6 and 7. With `kOnce` B is loaded so that it does not take the place of A and C in the first
/// cache.
template <bool kOnce>
class TileQueue {
 public:
  void push(const TileJob& job) {
    jobs_[num_jobs_++] = job;
    total_ += job.steps;
  }

  /// Runs until `part` of `parts` of all that was pushed is done.
  RADIAL_ALWAYS_INLINE void run_to(int part, int parts) {
    while (done_ * parts < total_ * part) advance();
  }

  /// Runs what is left.
  void finish() {
    while (done_ < total_) advance();
    num_jobs_ = next_ = done_ = total_ = 0;
  }

 private:
  RADIAL_ALWAYS_INLINE void advance() {
    const TileJob& job = jobs_[next_];
    if (step_ == 0) begin(job);
    multiply(job);
    ++done_;
    if (++step_ == job.steps) {
      end(job);
      step_ = 0;
      ++next_;
    }
  }

  RADIAL_ALWAYS_INLINE void multiply(const TileJob& job) const {
    const Half* const a = job.a + step_ * kTileDepth;
    const Unit* const b = job.b[step_ / 2] + step_ % 2 * kTileUnits;
    const std::int64_t stride = job.a_stride * std::int64_t{sizeof(Half)};
    Tiles::load<4>(a, stride);
    load_b<6>(b);
    Tiles::dot<0, 4, 6>();
    Tiles::load<5>(a + kTileRows * job.a_stride, stride);
    Tiles::dot<1, 5, 6>();
    if (job.wide) {
      load_b<7>(b + job.b_second);
      Tiles::dot<2, 4, 7>();
      Tiles::dot<3, 5, 7>();
    }
  }

  template <int kTile>
  RADIAL_ALWAYS_INLINE static void load_b(const Unit* tile) {
    if constexpr (kOnce) {
      Tiles::load_once<kTile>(tile, kRowBytes);
    } else {
      Tiles::load<kTile>(tile, kRowBytes);
    }
  }

  RADIAL_ALWAYS_INLINE static void begin(const TileJob& job) {
    if (!job.adds) {
      Tiles::zero<0>();
      Tiles::zero<1>();
      Tiles::zero<2>();
      Tiles::zero<3>();
      return;
    }
    const std::int64_t stride = job.c_stride * std::int64_t{sizeof(float)};
    float* const lower = job.c + kTileRows * job.c_stride;
    Tiles::load<0>(job.c, stride);
    Tiles::load<1>(lower, stride);
    if (job.wide) {
      Tiles::load<2>(job.c + kTileColumns, stride);
      Tiles::load<3>(lower + kTileColumns, stride);
    }
  }

  RADIAL_ALWAYS_INLINE static void end(const TileJob& job) {
    const std::int64_t stride = job.c_stride * std::int64_t{sizeof(float)};
    float* const lower = job.c + kTileRows * job.c_stride;
    Tiles::store<0>(job.c, stride);
    Tiles::store<1>(lower, stride);
    if (job.wide) {
      Tiles::store<2>(job.c + kTileColumns, stride);
      Tiles::store<3>(lower + kTileColumns, stride);
    }
  }

  static constexpr int kMaxJobs = 24;
  TileJob jobs_[kMaxJobs];
  int num_jobs_ = 0;
  int next_ = 0;   // job
  int step_ = 0;   // of that job
  int done_ = 0;   // steps
  int total_ = 0;  // steps
};

/// Jobs for all columns of D.
constexpr int column_jobs(int head_dim) { return divide_up(head_dim, kJobColumns); }

/// Where column `column` begins in panels "along" whose row of units `row` is the first.
RADIAL_ALWAYS_INLINE const Unit* along_tile(const AlongPanels& panels, int column, int row) {
  return panel_of(panels, column, kTileColumns) + row * kTileColumns;
}

/// 2^x for x up to 128, infinity beyond, 0 far below.
RADIAL_ALWAYS_INLINE Vec exp2_of_floor(Vec x) {
  // scalef takes the whole part itself, by rounding down like the fraction here.
  const Vec fraction = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  Vec p = Simd::set(kExp2OfFraction[4]);
  RADIAL_UNROLL
  for (int i = 3; i >= 0; --i) p = _mm512_fmadd_ps(p, fraction, Simd::set(kExp2OfFraction[i]));
  return _mm512_scalef_ps(p, x);
}

/// 32 neighbours as bfloat16.
RADIAL_ALWAYS_INLINE __m512i rounded(Vec first, Vec second) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

constexpr float kLog2E = 1.44269504088896340736f;

}  // namespace
}  // namespace radial::cpu
