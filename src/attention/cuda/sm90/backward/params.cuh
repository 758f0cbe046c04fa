#pragma once

#include <cuda.h>

#include <cstdint>

#include "attention/cuda/sm90/backward/schedule.h"

namespace radial::sm90 {

/// The plan as the backward walks it: `BackwardSchedule` in device memory.
struct ColumnPlan {
  const std::int32_t* offsets;  // [patterns, KB + 1] into entries
  const ColumnEntry* entries;
  const std::int32_t* order;                // [KB]
  const std::int32_t* contributors;         // [patterns, QB]
  const std::int32_t* maybe_head_patterns;  // [H]
  std::int32_t num_columns;                 // KB
  std::int32_t num_long;
};

struct ElementStrides {
  std::int64_t batch, token, head;
};

/// Arguments of the main kernel. A slot is one (sample, key head); a launch covers `num_slots` of
/// them from `first_slot` on, and dq_sums and turns hold the query heads of these slots only.
struct BackwardKernelParams {
  CUtensorMap q, k, v, dout;
  ColumnPlan plan;
  const float* neg_lse;    // [B, H, SqPad] -lse * log2(e), -inf where nothing is seen or beyond Sq
  const float* neg_delta;  // [B, H, SqPad] minus the row sums of dO * O
  float* dq_sums;          // [slots * group, tiles, D / 64, 64 * 64] in fragment order
  std::uint32_t* turns;    // [slots * group, tiles, D / 64] key blocks added so far
  std::uint32_t* next_item;
  void* dk;  // [B, Sk, Hkv, D]
  void* dv;
  ElementStrides dk_strides, dv_strides;
  const std::int32_t* maybe_text_lengths;  // [B]
  std::int64_t text_begin;
  std::int64_t key_tokens;
  std::int32_t heads, key_heads, group;
  std::int32_t first_slot, num_slots;
  std::int32_t slots_in_turn;  // divides num_slots
  std::int32_t num_tiles;      // query tiles of 64, padded to whole blocks
  float score_scale;           // softmax scale
  float score_scale_log2;
};

}  // namespace radial::sm90
