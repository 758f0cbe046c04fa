#pragma once

#include "attention/cuda/sm80/params.h"

namespace radial::sm80 {

/// The tiles of 64 tokens that one row (or column) of a pattern keeps, ascending, those that begin
/// at or beyond `end_token` left out.
class TileWalk {
 public:
  __device__ TileWalk(const BlockLists& lists, int pattern, int block, int tiles_per_block,
                      int end_token)
      : runs_(lists.runs), tiles_per_block_(tiles_per_block), end_tile_((end_token + 63) / 64) {
    const std::int32_t* offsets = lists.offsets + pattern * (lists.num_blocks + 1ll) + block;
    run_ = offsets[0];
    end_run_ = offsets[1];
    open_run();
  }

  __device__ bool done() const { return tile_ >= end_tile_; }
  __device__ int tile() const { return tile_; }

  __device__ void advance() {
    if (++tile_ >= run_end_) {
      ++run_;
      open_run();
    }
  }

 private:
  __device__ void open_run() {
    if (run_ >= end_run_) {
      tile_ = run_end_ = end_tile_;
      return;
    }
    const BlockRun run = runs_[run_];
    tile_ = run.begin * tiles_per_block_;
    run_end_ = tile_ + run.length * tiles_per_block_;
  }

  const BlockRun* runs_;
  int tiles_per_block_, end_tile_;
  int run_, end_run_;
  int tile_ = 0, run_end_ = 0;
};

__device__ __forceinline__ int pattern_of(const CommonParams& p, int head) {
  return p.maybe_head_patterns ? p.maybe_head_patterns[head] : 0;
}

/// End of the keys that sample `b` may see.
__device__ __forceinline__ int valid_keys(const CommonParams& p, int b) {
  return p.maybe_text_lengths ? p.text_begin + p.maybe_text_lengths[b] : p.key_tokens;
}

}  // namespace radial::sm80
