#pragma once

#include <cuda.h>

#include <cstdint>

#include "attention/cuda/common/joined_rows.h"
#include "radial/plan/block_pattern.h"

namespace radial::sm90 {

/// The plan's rows. P patterns, R rows of tiles (128 queries each).
struct RowPlan {
  const std::int32_t* offsets;              // [P, R + 1] into runs or steps
  const BlockRun* runs;                     // blocks of 128: ascending in each row
  const JoinedStep* steps;                  // blocks of 64: ascending in each row
  const std::int32_t* sizes;                // [P, R] steps
  const std::int32_t* order;                // [P, R] rows, longest first
  const std::int32_t* work;                 // [P, R + 1] see DeviceRowWork
  const std::int32_t* maybe_head_patterns;  // [H]
  std::int32_t rows;                        // R
};

struct ForwardKernelParams {
  CUtensorMap q, k, v;  // [B, S, H, D]
  RowPlan plan;
  void* out;                                     // [B, Sq, H, D]
  std::int64_t out_batch, out_token, out_head;   // strides in elements
  float* maybe_lse;                              // [B, H, Sq]
  const std::int32_t* maybe_text_lengths;        // [B]
  std::uint32_t* maybe_counter;                  // tiles handed out beyond the first of each block
  float* partials;                               // see partial_floats; where rows are cut
  std::int32_t cut_work;                         // of all tiles; 0: every tile is computed whole
  std::int32_t heads, heads_per_key_head, rows;  // H, H / Hkv, R
  std::int32_t slots, balanced_slots;            // B * H; those at the end, walked longest first
  std::int32_t query_tokens, key_tokens, text_begin;
  bool negative_scale;
  float scale, scale_log2;  // |scale|, and |scale| * log2(e)
};

}  // namespace radial::sm90
