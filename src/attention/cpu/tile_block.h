#pragma once

#include "attention/cpu/packing.h"

// Included after `Tiles` is defined in the unnamed namespace. Products on tiles in steps of four
// instructions, between which the caller lets vector instructions run: the processor does both at
// once.

namespace radial::cpu {
namespace {

constexpr int kTileRows = 16;
constexpr int kTileColumns = 16;           // float32, or pairs of bfloat16
constexpr int kTileDepth = 2 * kTileRows;  // elements that one instruction sums over
constexpr int kTileUnits = kTileRows * kTileColumns;
constexpr int kRowBytes = 64;

constexpr int kBlockRows = 2 * kTileRows;
constexpr int kBlockColumns = 2 * kTileColumns;
constexpr int kStepDots = 4;

/// Where sums [32, 32 or 16] are kept in memory.
struct BlockSums {
  float* data;
  std::int64_t row_stride;  // floats
  bool wide;                // 32 columns
};

/// A [32, 32] in bfloat16 rows, and B [32, 32 or 16] in tiles.
struct BlockOperands {
  const Half* a;
  std::int64_t a_stride;  // elements from row to row
  const Unit* b;
  std::int64_t b_right;  // units to the tile of columns 16 and up
};

/// Sums [32, 32 or 16] on tiles: 0 to 3 hold them (upper and lower rows of the left columns, then
/// of the right), 4 and 5 rows of A, 6 and 7 columns of B. B is loaded so that it does not take the
/// place of the rest in the first cache.
///
/// Sums are stored by the first step of the sums that follow, each tile shortly before it is used
/// anew: a store waits for its tile's last product, and products behind it wait with it.
class TileBlock {
 public:
  /// `scratch` takes what nobody needs: what the tiles hold at first and after `store`.
  explicit TileBlock(const BlockSums& scratch) : scratch_(scratch), sums_(scratch) {}

  /// The first step of new sums, which start from what `next` holds or from zero. `between` is
  /// called after each product.
  template <bool kAdds, typename Between>
  RADIAL_ALWAYS_INLINE void begin(const BlockSums& next, const BlockOperands& x,
                                  const Between& between) {
    const std::int64_t stride = x.a_stride * std::int64_t{sizeof(Half)};
    Tiles::load<4>(x.a, stride);
    Tiles::load_once<6>(x.b, kRowBytes);
    exchange<0, kAdds>(next);
    Tiles::dot<0, 4, 6>();
    between();
    Tiles::load<5>(x.a + kTileRows * x.a_stride, stride);
    exchange<1, kAdds>(next);
    Tiles::dot<1, 5, 6>();
    between();
    exchange_right<kAdds>(next, x, between);
    sums_ = next;
  }

  /// Adds a further step.
  template <typename Between>
  RADIAL_ALWAYS_INLINE void add(const BlockOperands& x, const Between& between) const {
    const std::int64_t stride = x.a_stride * std::int64_t{sizeof(Half)};
    Tiles::load<4>(x.a, stride);
    Tiles::load_once<6>(x.b, kRowBytes);
    Tiles::dot<0, 4, 6>();
    between();
    Tiles::load<5>(x.a + kTileRows * x.a_stride, stride);
    Tiles::dot<1, 5, 6>();
    between();
    if (sums_.wide) {
      Tiles::load_once<7>(x.b + x.b_right, kRowBytes);
      Tiles::dot<2, 4, 7>();
      between();
      Tiles::dot<3, 5, 7>();
      between();
    }
  }

  /// Stores the last sums; further ones begin with `begin`.
  void store() {
    store<0>();
    store<1>();
    if (sums_.wide) {
      store<2>();
      store<3>();
    }
    sums_ = scratch_;
  }

 private:
  template <int kTile>
  static float* place(const BlockSums& sums) {
    return sums.data + kTile % 2 * kTileRows * sums.row_stride + kTile / 2 * kTileColumns;
  }
  template <int kTile>
  RADIAL_ALWAYS_INLINE void store() const {
    Tiles::store<kTile>(place<kTile>(sums_), sums_.row_stride * std::int64_t{sizeof(float)});
  }
  template <int kTile, bool kAdds>
  RADIAL_ALWAYS_INLINE void exchange(const BlockSums& next) const {
    store<kTile>();
    start<kTile, kAdds>(next);
  }
  template <int kTile, bool kAdds>
  RADIAL_ALWAYS_INLINE static void start(const BlockSums& next) {
    if constexpr (kAdds) {
      Tiles::load<kTile>(place<kTile>(next), next.row_stride * std::int64_t{sizeof(float)});
    } else {
      Tiles::zero<kTile>();
    }
  }
  template <bool kAdds, typename Between>
  RADIAL_ALWAYS_INLINE void exchange_right(const BlockSums& next, const BlockOperands& x,
                                           const Between& between) const {
    if (next.wide) Tiles::load_once<7>(x.b + x.b_right, kRowBytes);
    if (sums_.wide) store<2>();
    if (next.wide) {
      start<2, kAdds>(next);
      Tiles::dot<2, 4, 7>();
      between();
    }
    if (sums_.wide) store<3>();
    if (next.wide) {
      start<3, kAdds>(next);
      Tiles::dot<3, 5, 7>();
      between();
    }
  }

  const BlockSums scratch_;
  BlockSums sums_;
};

/// Where column `column` begins in panels "along" whose row of units `row` is the first.
RADIAL_ALWAYS_INLINE const Unit* along_tile(const AlongPanels& panels, int column, int row) {
  return panel_of(panels, column, kTileColumns) + row * kTileColumns;
}

/// 2^x for x up to 128, infinity beyond, 0 far below; 0 in other lanes than `lanes`.
RADIAL_ALWAYS_INLINE Vec exp2_of_floor(Vec x, __mmask16 lanes = 0xffff) {
  // scalef takes the whole part itself, by rounding down like the fraction here.
  const Vec fraction = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  Vec p = Simd::set(kExp2OfFraction[4]);
  RADIAL_UNROLL
  for (int i = 3; i >= 0; --i) p = _mm512_fmadd_ps(p, fraction, Simd::set(kExp2OfFraction[i]));
  return _mm512_maskz_scalef_ps(lanes, p, x);
}

/// 32 neighbours as bfloat16.
RADIAL_ALWAYS_INLINE __m512i rounded(Vec first, Vec second) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

/// The first `count` of 16 lanes; all for more, none for fewer than 1.
RADIAL_ALWAYS_INLINE __mmask16 lanes_before(int count) {
  return static_cast<__mmask16>(count >= kWidth ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

constexpr float kLog2E = 1.44269504088896340736f;

}  // namespace
}  // namespace radial::cpu
