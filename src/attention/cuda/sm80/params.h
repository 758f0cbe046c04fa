#pragma once

#include <cstdint>

#include "radial/plan/block_pattern.h"

namespace radial::sm80 {

struct ElementStrides {
  std::int64_t batch, token, head;
};

/// One side of a plan in device memory: P patterns of `num_blocks` blocks.
struct BlockLists {
  const std::int32_t* offsets;  // [P, num_blocks + 1] into runs
  const BlockRun* runs;
  const std::int32_t* order;  // [P, num_blocks] longest first
  std::int32_t num_blocks;
};

/// What every kernel of a call needs to know.
struct CommonParams {
  BlockLists rows, columns;
  const std::int32_t* maybe_head_patterns;  // [H]
  const std::int32_t* maybe_text_lengths;   // [B]
  std::int32_t text_begin;
  std::int32_t query_tokens, key_tokens;  // Sq, Sk
  std::int32_t heads, key_heads;          // H, Hkv
  std::int32_t tiles_per_block;           // 1 or 2 tiles of 64 tokens
  float score_scale;
  float score_scale_log2;  // times log2(e)
};

struct ForwardKernelParams {
  CommonParams common;
  const void *q, *k, *v;  // [B, Sq, H, D], [B, Sk, Hkv, D]
  void* out;              // [B, Sq, H, D]
  float* maybe_lse;       // [B, H, Sq]
  ElementStrides q_strides, k_strides, v_strides, out_strides;
};

struct BackwardKernelParams {
  CommonParams common;
  const void *q, *k, *v, *out, *dout;
  const float* lse;  // [B, H, Sq]
  float* neg_lse;    // [B, H, Sq] -lse log2(e); -inf where nothing is seen
  float* delta;      // [B, H, Sq] row sums of dO * O
  void *dq, *dk, *dv;
  ElementStrides q_strides, k_strides, v_strides, out_strides, dout_strides, dq_strides, dk_strides,
      dv_strides;
};

}  // namespace radial::sm80
