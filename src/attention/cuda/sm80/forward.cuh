#pragma once

// One CTA: up to 128 queries of one head, a block row of the plan (for blocks of 64: two rows are
// two CTAs of 64 queries). Walks the key tiles of 64 the row keeps:
//
//   K(i) ready -> fetch V(i) | S = Q K' | fetch K(i + 1) | softmax | V(i) ready -> O += P V
//
// 4 warps of 32 queries (16 for blocks of 64); Q, one K and one V tile in shared memory: 64 KiB at
// head dim 128, so that two CTAs share a multiprocessor.

#include "attention/cuda/sm80/config.h"
#include "attention/cuda/sm80/primitives.cuh"
#include "attention/cuda/sm80/tile_walk.cuh"

namespace radial::sm80 {

/// `kStrips`: strips of 16 queries per warp.
template <typename Config, int kStrips>
class ForwardTile {
 public:
  using Element = typename Config::Element;
  static constexpr int kQueries = 16 * kStrips * Config::kWarps;
  static constexpr int kDimSteps = Config::kHeadDim / 16;
  static constexpr int kKeySteps = Config::kTile / 16;

  __device__ ForwardTile(const ForwardKernelParams& p, unsigned char* shared)
      : p_(p),
        q_{shared_address(shared)},
        k_{q_.address + kQueries * Tile<Config>::kRowBytes},
        v_{k_.address + Config::kTileBytes},
        head_(blockIdx.y),
        batch_(blockIdx.z),
        pattern_(pattern_of(p.common, head_)),
        row_(p.common.rows.order[pattern_ * p.common.rows.num_blocks + blockIdx.x]),
        first_query_(row_ * p.common.tiles_per_block * Config::kTile),
        valid_keys_(valid_keys(p.common, batch_)),
        warp_(threadIdx.x / 32),
        lane_(threadIdx.x % 32) {
    const int key_head = head_ / (p.common.heads / p.common.key_heads);
    key_ =
        static_cast<const Element*>(p.k) + batch_ * p.k_strides.batch + key_head * p.k_strides.head;
    value_ =
        static_cast<const Element*>(p.v) + batch_ * p.v_strides.batch + key_head * p.v_strides.head;
#pragma unroll
    for (int s = 0; s < kStrips; ++s) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        largest_[s][half] = -INFINITY;
        sum_[s][half] = 0;
      }
#pragma unroll
      for (int j = 0; j < Config::kHeadDim / 8; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) out_[s][j][i] = 0;
      }
    }
  }

  __device__ void run() {
    TileWalk walk(p_.common.rows, pattern_, row_, p_.common.tiles_per_block, valid_keys_);
    fetch_queries();
    if (!walk.done()) fetch_keys(walk.tile());
    commit_copies();
    while (!walk.done()) {
      const int tile = walk.tile();
      walk.advance();
      wait_copies<0>();
      __syncthreads();
      fetch_values(tile);
      commit_copies();
      make_scores();
      __syncthreads();
      if (!walk.done()) fetch_keys(walk.tile());
      commit_copies();
      softmax(tile);
      wait_copies<1>();
      __syncthreads();
      add_values();
      __syncthreads();
    }
    wait_copies<0>();
    store();
  }

 private:
  __device__ void fetch_queries() {
    const auto* q =
        static_cast<const Element*>(p_.q) + batch_ * p_.q_strides.batch + head_ * p_.q_strides.head;
    copy_rows<Config, kQueries>(q_, q, p_.q_strides.token, first_query_, p_.common.query_tokens);
  }
  __device__ void fetch_keys(int tile) {
    copy_rows<Config>(k_, key_, p_.k_strides.token, tile * Config::kTile, valid_keys_);
  }
  __device__ void fetch_values(int tile) {
    copy_rows<Config>(v_, value_, p_.v_strides.token, tile * Config::kTile, valid_keys_);
  }

  /// First of the warp's rows of strip `s` in the tile.
  __device__ int strip_row(int s) const { return (warp_ * kStrips + s) * 16; }

  __device__ void make_scores() {
#pragma unroll
    for (int s = 0; s < kStrips; ++s) {
#pragma unroll
      for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) score_[s][j][i] = 0;
      }
    }
#pragma unroll
    for (int step = 0; step < kDimSteps; ++step) {
      std::uint32_t a[kStrips][4];
#pragma unroll
      for (int s = 0; s < kStrips; ++s) q_.load_a(a[s], strip_row(s), step);
#pragma unroll
      for (int j = 0; j < Config::kTile / 16; ++j) {
        std::uint32_t b[4];
        k_.load_b(b, 16 * j, step);
#pragma unroll
        for (int s = 0; s < kStrips; ++s) {
          multiply<Element>(score_[s][2 * j], a[s], b[0], b[1]);
          multiply<Element>(score_[s][2 * j + 1], a[s], b[2], b[3]);
        }
      }
    }
  }

  /// Scores to probabilities relative to the rows' running maxima; what was summed before is
  /// scaled.
  __device__ void softmax(int tile) {
    if (p_.common.score_scale < 0) negate_scores();
    if ((tile + 1) * Config::kTile > valid_keys_) hide_tail(tile);
#pragma unroll
    for (int s = 0; s < kStrips; ++s) {
#pragma unroll
      for (int half = 0; half < 2; ++half) absorb_row(s, half);
    }
  }

  /// A negative scale turns the scores round, so that the largest is again the one to subtract.
  __device__ void negate_scores() {
#pragma unroll
    for (int s = 0; s < kStrips; ++s) {
#pragma unroll
      for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) score_[s][j][i] = -score_[s][j][i];
      }
    }
  }

  __device__ void hide_tail(int tile) {
#pragma unroll
    for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int key = tile * Config::kTile + 8 * j + lane_ % 4 * 2 + i % 2;
#pragma unroll
        for (int s = 0; s < kStrips; ++s) {
          if (key >= valid_keys_) score_[s][j][i] = -INFINITY;
        }
      }
    }
  }

  /// `half`: rows lane / 4 or lane / 4 + 8 of strip `s`. Every tile walked has a visible key, so
  /// the new maximum is finite.
  __device__ void absorb_row(int s, int half) {
    float largest = largest_[s][half];
#pragma unroll
    for (int j = 0; j < Config::kTile / 8; ++j) {
      largest = fmaxf(largest, fmaxf(score_[s][j][2 * half], score_[s][j][2 * half + 1]));
    }
    largest = row_max(largest);
    const float scale = fabsf(p_.common.score_scale_log2);
    const bool first = largest_[s][half] == -INFINITY;
    const float factor = first ? 0 : exp2_approx((largest_[s][half] - largest) * scale);
    const float offset = -largest * scale;
    largest_[s][half] = largest;
    float sum = 0;
#pragma unroll
    for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
      for (int i = 2 * half; i < 2 * half + 2; ++i) {
        score_[s][j][i] = exp2_approx(fmaf(score_[s][j][i], scale, offset));
        sum += score_[s][j][i];
      }
    }
    sum_[s][half] = sum_[s][half] * factor + sum;
#pragma unroll
    for (int j = 0; j < Config::kHeadDim / 8; ++j) {
      out_[s][j][2 * half] *= factor;
      out_[s][j][2 * half + 1] *= factor;
    }
  }

  __device__ void add_values() {
#pragma unroll
    for (int step = 0; step < kKeySteps; ++step) {
      std::uint32_t a[kStrips][4];
#pragma unroll
      for (int s = 0; s < kStrips; ++s) {
        const auto& left = score_[s][2 * step];
        const auto& right = score_[s][2 * step + 1];
        a[s][0] = pack<Element>(left[0], left[1]);
        a[s][1] = pack<Element>(left[2], left[3]);
        a[s][2] = pack<Element>(right[0], right[1]);
        a[s][3] = pack<Element>(right[2], right[3]);
      }
#pragma unroll
      for (int column = 0; column < kDimSteps; ++column) {
        std::uint32_t b[4];
        v_.load_b_transposed(b, step, column);
#pragma unroll
        for (int s = 0; s < kStrips; ++s) {
          multiply<Element>(out_[s][2 * column], a[s], b[0], b[1]);
          multiply<Element>(out_[s][2 * column + 1], a[s], b[2], b[3]);
        }
      }
    }
  }

  __device__ void store() {
    constexpr float kLn2 = 0.69314718055994530942f;
    auto* out =
        static_cast<Element*>(p_.out) + batch_ * p_.out_strides.batch + head_ * p_.out_strides.head;
#pragma unroll
    for (int s = 0; s < kStrips; ++s) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int query = first_query_ + strip_row(s) + lane_ / 4 + 8 * half;
        const float sum = row_sum(sum_[s][half]);
        const float inverse = sum > 0 ? 1 / sum : 0;
        if (query >= p_.common.query_tokens) continue;
        Element* row = out + query * p_.out_strides.token + lane_ % 4 * 2;
#pragma unroll
        for (int j = 0; j < Config::kHeadDim / 8; ++j) {
          *reinterpret_cast<std::uint32_t*>(row + 8 * j) =
              pack<Element>(out_[s][j][2 * half] * inverse, out_[s][j][2 * half + 1] * inverse);
        }
        if (p_.maybe_lse && lane_ % 4 == 0) {
          const std::int64_t place =
              (std::int64_t{batch_} * p_.common.heads + head_) * p_.common.query_tokens + query;
          p_.maybe_lse[place] =
              sum > 0 ? largest_[s][half] * fabsf(p_.common.score_scale_log2) * kLn2 + logf(sum)
                      : -INFINITY;
        }
      }
    }
  }

  const ForwardKernelParams& p_;
  Tile<Config> q_, k_, v_;
  int head_, batch_, pattern_, row_, first_query_, valid_keys_, warp_, lane_;
  const Element *key_, *value_;
  float largest_[kStrips][2], sum_[kStrips][2];
  float score_[kStrips][Config::kTile / 8][4];
  float out_[kStrips][Config::kHeadDim / 8][4];
};

/// Grid: (query blocks, heads, batch).
template <typename Config, int kStrips>
__global__ void __launch_bounds__(Config::kThreads)
    forward_kernel(const __grid_constant__ ForwardKernelParams p) {
  extern __shared__ __align__(128) unsigned char shared[];
  ForwardTile<Config, kStrips>(p, shared).run();
}

}  // namespace radial::sm80
