#pragma once

#include <cstddef>

namespace radial::sm90 {

/// A warp arrives at a barrier by one of its lanes, after the barrier of the warp. A build for
/// racecheck has all lanes arrive, each for itself: the compiler leaves nothing in the machine code
/// of a warp barrier where it knows the lanes to run together, so that the tool sees no order
/// between lane 0's arrival and what the other lanes did before it.
#ifdef RADIAL_RACECHECK
inline constexpr int kArrivingLanes = 32;
#else
inline constexpr int kArrivingLanes = 1;
#endif

/// Compile-time facts of the backward kernel. One CTA keeps a block of 128 keys and walks the query
/// blocks of its column in tiles of 64 queries.
template <typename Element_, int kHeadDim_>
struct BackwardConfig {
  using Element = Element_;
  static constexpr int kHeadDim = kHeadDim_;
  static constexpr int kKeyRows = 128;
  static constexpr int kQueryRows = 64;

  static constexpr int kConsumers = 2;  // warpgroups; each owns 64 keys
  static constexpr int kThreads = 128 * (1 + kConsumers);
  static constexpr int kProducerRegisters = 24;
  static constexpr int kConsumerRegisters = 240;

  static constexpr int kBoxColumns = 64;  // one 128-byte row of the swizzle
  static constexpr int kBoxes = kHeadDim / kBoxColumns;
  static constexpr int kKeyBoxBytes = kKeyRows * 128;
  static constexpr int kQueryBoxBytes = kQueryRows * 128;
  static constexpr int kKeyBytes = kBoxes * kKeyBoxBytes;
  static constexpr int kQueryBytes = kBoxes * kQueryBoxBytes;
  static constexpr int kDscoreBytes = kKeyRows * 128;  // [keys, 64 queries]
  static constexpr int kRowStatBytes = kQueryRows * 4;

  /// At head dim 128 a query tile is held from its scores to its dK product, one tile later than
  /// its dO tile. At 64 there is room for more.
  static constexpr bool kWide = kHeadDim == 128;
  static constexpr int kQueryStages = kWide ? 3 : 4;
  static constexpr int kDoutStages = kWide ? 2 : 4;
  static constexpr int kDscoreStages = kWide ? 2 : 4;

  /// dQ is made and added in units of 64 queries and 64 columns. At head dim 128 each consumer
  /// makes one half of each tile's, at 64 one consumer makes that of the even tiles, the other that
  /// of the odd ones.
  static constexpr int kDqColumns = 64;
  static constexpr int kDqUnits = kHeadDim / kDqColumns;  // of a tile
  static constexpr int kDqFloats = kQueryRows * kDqColumns;
  static constexpr int kDqStages = 3;  // shared by both consumers in turn

  static_assert(kHeadDim == 64 || kHeadDim == 128, "head dim must be 64 or 128");
};

/// Most shared memory that a block may use.
inline constexpr std::size_t kMaxSharedBytes = 227 * 1024;

}  // namespace radial::sm90
