#pragma once

#include <cstddef>
#include <cstdint>

namespace radial::sm90 {

/// Compile-time facts of one forward kernel.
///
/// A thread block computes tiles of 128 queries. One warp feeds the rings of key and value tiles;
/// two warpgroups of 64 queries each compute, one usually in the softmax while the other
/// multiplies.
template <typename ElementType, int kHeadDimValue, int kBlockValue>
struct ForwardConfig {
  using Element = ElementType;
  static constexpr int kHeadDim = kHeadDimValue;
  static constexpr int kBlock = kBlockValue;  // edge of the plan's blocks

  static constexpr int kTileQueries = 128;
  static constexpr int kGroups = kTileQueries / 64;  // of computing warps
  static constexpr int kThreads = 128 * (1 + kGroups);
  static constexpr int kComputingWarps = 4 * kGroups;
  static constexpr int kProducerRegisters = 40;
  static constexpr int kConsumerRegisters = 232;

  // Tiles lie as panels of 64 columns, the width of the 128-byte swizzle.
  static constexpr int kPanels = kHeadDim / 64;
  static constexpr int kPanelBytes = 128 * 128;  // 128 tokens of 128 bytes
  static constexpr int kTileBytes = kPanels * kPanelBytes;
  static constexpr int kStages = kHeadDim == 64 ? 4 : 3;
  static constexpr int kMessages = 2;  // tiles announced ahead

  // A block of 64 holds half a step: a step joins any two kept blocks of two neighbouring rows.
  static constexpr bool kJoined = kBlock == 64;
  static constexpr int kBoxTokens = kBlock;

  static_assert(kHeadDim == 64 || kHeadDim == 128, "the head dim must be 64 or 128");
  static_assert(kBlock == 64 || kBlock == 128, "the plan's blocks must be 64 or 128");
};

/// Tiles per thread block, about, that are handed out longest first at the end of the grid.
constexpr int kBalancedTilesPerBlock = 2;

/// Bytes of workspace where tiles are computed whole: one counter, with the alignment of a
/// workspace.
constexpr std::size_t kForwardWorkspace = 256;

/// Results of part of a tile's keys: 128 rows of normalised outputs, then their log-sum-exps.
constexpr std::size_t partial_floats(int head_dim) {
  return 128 * static_cast<std::size_t>(head_dim + 1);
}

}  // namespace radial::sm90
