#pragma once

#include <cstdint>

#include "radial/base/dtype.h"

// What an instruction set has to offer to the drivers (forward.cpp, backward.cpp): packing and the
// work on one step. Each kernels_*.cpp makes one table of these functions.

namespace radial::cpu {

/// What products read is stored in units of 32 bits: one float32, or two bfloat16 that are
/// neighbours along the summed dimension. `pairs` (1 or 2) says how many elements a unit holds.
using Unit = std::uint32_t;

inline constexpr std::int32_t kMaxTileRows = 128;  ///< tokens of a block at most
inline constexpr std::int32_t kMaxStepKeys = 512;  ///< of which a kernel may keep all scores
inline constexpr std::int32_t kRowPadding = 32;  ///< queries of a forward step are filled up to it

/// Some rows of one head of a tensor [B, S, H, D], to be packed.
struct PackSource {
  const void* data = nullptr;  // [rows, D]
  DType dtype = DType::kFloat32;
  std::int64_t row_stride = 0;   // elements
  std::int32_t rows = 0;         // rows that exist
  std::int32_t padded_rows = 0;  // rows to write; those beyond `rows` become zero
  std::int32_t head_dim = 0;     // D
};

/// float32 rows to be rounded into a tensor.
struct StoreRows {
  const float* from = nullptr;     // [rows, D]
  const float* factors = nullptr;  // [rows]
  std::int32_t rows = 0;
  std::int32_t head_dim = 0;  // D
  void* to = nullptr;         // [rows, D]
  DType dtype = DType::kFloat32;
  std::int64_t row_stride = 0;  // elements
};

/// Rows packed "along": panels whose columns are those of D, each [rows, columns of the panel]; the
/// last panel is as narrow as D leaves it.
struct AlongPanels {
  Unit* data = nullptr;        // [ceil(D / panel)] panels
  std::int64_t rows = 0;       // rows of units in each
  std::int64_t first_row = 0;  // where to begin
};

/// Neighbouring keys of a step.
struct KeySpan {
  const Unit* k_panels = nullptr;  // K "across", from the first key on
  AlongPanels v;                   // from the first key on
  std::int32_t keys = 0;           // whole blocks or steps, except in the last span of a step
};

inline constexpr std::int32_t kMaxSpans = 16;  ///< of a step

/// One softmax step of a block of queries against some spans of keys. `q`, `maxima`, `sums` and
/// `out` have rows up to a multiple of kRowPadding; those beyond `rows` begin as zero queries.
struct ForwardStep {
  const Unit* q = nullptr;     // [rows, depth]
  KeySpan spans[kMaxSpans];    // the first `num_spans` count
  std::int32_t num_spans = 0;  // at least 1
  std::int32_t rows = 0;       // queries
  std::int32_t keys = 0;       // of all spans
  std::int32_t head_dim = 0;   // D
  float scale = 0;             // of the softmax
  float* maxima = nullptr;     // [rows] of scale * score so far
  float* sums = nullptr;       // [rows] of exponentials so far
  float* out = nullptr;        // [rows, D] not yet divided by the sums
  float* scores = nullptr;     // scratch: kMaxStripRows x kMaxStepKeys floats
  Unit* probs = nullptr;       // scratch of the same size
};

/// Gradients between one block of keys and one of queries.
struct BackwardStep {
  const Unit* k_rows = nullptr;       // [keys, depth], filled up to whole blocks with zeros
  const Unit* v_rows = nullptr;       // the same
  const Unit* q_across = nullptr;     // Q "across", from the block's first query on
  const Unit* dout_across = nullptr;  // dO "across"
  AlongPanels k_along;                // from the block's first key on
  AlongPanels q_along;                // from the block's first query on
  AlongPanels dout_along;
  const float* lse = nullptr;    // [queries, padded with +inf to whole panels]
  const float* delta = nullptr;  // [queries, padded with 0]
  std::int32_t keys = 0;
  std::int32_t queries = 0;
  std::int32_t head_dim = 0;  // D
  float scale = 0;            // of the softmax
  float* dq = nullptr;        // [queries, D], added to; times the scale still to come
  float* dk = nullptr;        // [keys, D], added to; times the scale still to come
  float* dv = nullptr;        // [keys, D], added to
  Unit* probs = nullptr;      // scratch: kMaxStripRows x kMaxTileRows
  Unit* dscore = nullptr;     // scratch of the same size
  Unit* dscores = nullptr;    // scratch: kMaxTileRows x kMaxTileRows
};

inline constexpr std::int32_t kMaxStripRows = 16;  ///< rows of a register tile at most

/// The functions of one instruction set.
struct Kernels {
  std::int32_t panel = 0;  ///< columns of a packed panel; divides kMaxTileRows
  std::int32_t pairs = 0;  ///< elements per unit, 1 or 2
  /// Rows have D / pairs units, filled up with zeros to a multiple of this: their depth.
  std::int32_t depth_step = 0;
  std::int32_t step_keys = 0;  ///< keys per softmax step, a multiple of `panel`, of 128 too

  /// Rows as they are: [padded_rows, depth] units.
  void (*pack_rows)(const PackSource& source, Unit* to);
  /// Panels whose columns are the source's rows, for products summed over D:
  /// [padded_rows / panel, depth, panel] units.
  void (*pack_across)(const PackSource& source, Unit* to);
  /// Panels whose columns are those of D, for products summed over the source's rows:
  /// padded_rows / pairs rows of units.
  void (*pack_along)(const PackSource& source, const AlongPanels& to);
  /// to = from * factor of the row, rounded.
  void (*store_rows)(const StoreRows& rows);

  void (*forward_step)(const ForwardStep& step);
  void (*backward_step)(const BackwardStep& step);
};

const Kernels& portable_kernels();
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& avx512_bf16_kernels();
const Kernels& amx_kernels();

}  // namespace radial::cpu
