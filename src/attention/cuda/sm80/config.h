#pragma once

namespace radial::sm80 {

/// Compile-time facts of the kernels for mma.sync. Tiles are 64 tokens a side whatever the plan's
/// block, so blocks of 64 and of 128 are walked alike.
template <typename Element_, int kHeadDim_>
struct Config {
  using Element = Element_;
  static constexpr int kHeadDim = kHeadDim_;
  static constexpr int kTile = 64;  // queries, keys
  static constexpr int kWarps = 4;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kTileBytes = kTile * kHeadDim * 2;

  /// The forward gives each warp two rows of 16 x 8 fragments, so that a fragment of K or V read
  /// from shared memory is used twice.
  static constexpr int kForwardQueries = 128;
  static constexpr int kForwardSharedBytes = 2 * kTileBytes + 2 * kTileBytes;  // Q; K and V
  static constexpr int kBackwardSharedBytes = 4 * kTileBytes + 2 * kTile * 4;  // and row statistics

  static_assert(kHeadDim == 64 || kHeadDim == 128, "head dim must be 64 or 128");
};

}  // namespace radial::sm80
