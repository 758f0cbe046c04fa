#pragma once

// Three kernels, no atomics, so repeats are equal bit for bit:
//   row_stats  delta = row sums of dO * O, and -lse in units of log2
//   dkdv       one CTA per tile of 64 keys: walks the query tiles of its column, for every head of
//              the group. S' and dP' [keys, queries] are made transposed, so that P' and dS' are
//              register operands of dV and dK.
//   dq         one CTA per tile of 64 queries: walks the key tiles of its row.
// Seven products instead of five: the price of needing neither atomics nor n x d sums in memory.

#include "attention/cuda/sm80/config.h"
#include "attention/cuda/sm80/primitives.cuh"
#include "attention/cuda/sm80/tile_walk.cuh"

namespace radial::sm80 {

/// One warp per query; grid (query tiles of 4, heads, batch).
template <typename Config>
__global__ void __launch_bounds__(Config::kThreads)
    row_stats_kernel(const __grid_constant__ BackwardKernelParams p) {
  using Element = typename Config::Element;
  constexpr float kLog2E = 1.44269504088896340736f;
  const int query = blockIdx.x * Config::kWarps + threadIdx.x / 32, lane = threadIdx.x % 32;
  const std::int64_t head = blockIdx.y, b = blockIdx.z;
  if (query >= p.common.query_tokens) return;
  const auto* out = static_cast<const Element*>(p.out) + b * p.out_strides.batch +
                    query * p.out_strides.token + head * p.out_strides.head;
  const auto* dout = static_cast<const Element*>(p.dout) + b * p.dout_strides.batch +
                     query * p.dout_strides.token + head * p.dout_strides.head;
  float sum = 0;
  for (int d = lane; d < Config::kHeadDim; d += 32) {
    sum += static_cast<float>(out[d]) * static_cast<float>(dout[d]);
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xFFFFFFFF, sum, step);
  if (lane == 0) {
    const std::int64_t place = (b * p.common.heads + head) * p.common.query_tokens + query;
    p.delta[place] = sum;
    // A query that sees nothing gets -inf: its probabilities are then zero.
    const float lse = p.lse[place];
    p.neg_lse[place] = lse == -INFINITY ? -INFINITY : -lse * kLog2E;
  }
}

/// What dkdv and dq share: a strip of 16 rows per warp of a 64 x 64 tile of scores.
template <typename Config>
struct BackwardTile {
  using Element = typename Config::Element;
  static constexpr int kDimSteps = Config::kHeadDim / 16;
  static constexpr int kTileSteps = Config::kTile / 16;
  using Scores = float[Config::kTile / 8][4];
  using Sums = float[Config::kHeadDim / 8][4];

  /// scores [16 rows of `a`, 64 rows of `b`] = a b'.
  static __device__ __forceinline__ void multiply_tiles(Scores& scores, const Tile<Config>& a,
                                                        const Tile<Config>& b) {
    const int first_row = threadIdx.x / 32 * 16;
#pragma unroll
    for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) scores[j][i] = 0;
    }
#pragma unroll
    for (int step = 0; step < kDimSteps; ++step) {
      std::uint32_t left[4];
      a.load_a(left, first_row, step);
#pragma unroll
      for (int j = 0; j < kTileSteps; ++j) {
        std::uint32_t right[4];
        b.load_b(right, 16 * j, step);
        multiply<Element>(scores[2 * j], left, right[0], right[1]);
        multiply<Element>(scores[2 * j + 1], left, right[2], right[3]);
      }
    }
  }

  /// sums [16 rows, D] += weights [16 rows, 64] b [64, D].
  static __device__ __forceinline__ void add_product(Sums& sums, const Scores& weights,
                                                     const Tile<Config>& b) {
#pragma unroll
    for (int step = 0; step < kTileSteps; ++step) {
      const std::uint32_t left[4] = {
          pack<Element>(weights[2 * step][0], weights[2 * step][1]),
          pack<Element>(weights[2 * step][2], weights[2 * step][3]),
          pack<Element>(weights[2 * step + 1][0], weights[2 * step + 1][1]),
          pack<Element>(weights[2 * step + 1][2], weights[2 * step + 1][3])};
#pragma unroll
      for (int column = 0; column < kDimSteps; ++column) {
        std::uint32_t right[4];
        b.load_b_transposed(right, step, column);
        multiply<Element>(sums[2 * column], left, right[0], right[1]);
        multiply<Element>(sums[2 * column + 1], left, right[2], right[3]);
      }
    }
  }

  static __device__ __forceinline__ void clear(Sums& sums) {
#pragma unroll
    for (int j = 0; j < Config::kHeadDim / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) sums[j][i] = 0;
    }
  }

  /// The warp's 16 rows times `factor` to rows [first, first + 16) of a head, those at or beyond
  /// `end` left out.
  static __device__ __forceinline__ void store(const Sums& sums, float factor, void* memory,
                                               std::int64_t offset, std::int64_t token_stride,
                                               int first, int end) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = first + lane / 4 + 8 * half;
      if (row >= end) continue;
      Element* to = static_cast<Element*>(memory) + offset + row * token_stride + lane % 4 * 2;
#pragma unroll
      for (int j = 0; j < Config::kHeadDim / 8; ++j) {
        *reinterpret_cast<std::uint32_t*>(to + 8 * j) =
            pack<Element>(factor * sums[j][2 * half], factor * sums[j][2 * half + 1]);
      }
    }
  }
};

template <typename Config>
__device__ __forceinline__ const typename Config::Element* head_of(const void* data,
                                                                   const ElementStrides& strides,
                                                                   std::int64_t b,
                                                                   std::int64_t head) {
  return static_cast<const typename Config::Element*>(data) + b * strides.batch +
         head * strides.head;
}

/// Grid: (key tiles, key heads, batch).
template <typename Config>
__global__ void __launch_bounds__(Config::kThreads)
    dkdv_kernel(const __grid_constant__ BackwardKernelParams p) {
  using Parts = BackwardTile<Config>;
  extern __shared__ __align__(128) unsigned char shared[];
  const Tile<Config> k{shared_address(shared)}, v{k.address + Config::kTileBytes},
      q{v.address + Config::kTileBytes}, dout{q.address + Config::kTileBytes};
  float* neg_lse = reinterpret_cast<float*>(shared + 4 * Config::kTileBytes);
  float* delta = neg_lse + Config::kTile;

  const CommonParams& common = p.common;
  const int place = blockIdx.x / common.tiles_per_block, key_head = blockIdx.y, b = blockIdx.z;
  // Heaviest columns first; with patterns per head the first pattern's order serves for all.
  const int column = common.columns.order[place];
  const int first_key =
      (column * common.tiles_per_block + blockIdx.x % common.tiles_per_block) * Config::kTile;
  if (first_key >= common.key_tokens) return;
  const int end_key = valid_keys(common, b);
  copy_rows<Config>(k, head_of<Config>(p.k, p.k_strides, b, key_head), p.k_strides.token, first_key,
                    end_key);
  copy_rows<Config>(v, head_of<Config>(p.v, p.v_strides, b, key_head), p.v_strides.token, first_key,
                    end_key);

  typename Parts::Sums dk, dv;
  Parts::clear(dk);
  Parts::clear(dv);
  const int warp_key = first_key + threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4;
  const int group = common.heads / common.key_heads;
  for (int head = key_head * group; head < (key_head + 1) * group; ++head) {
    const auto* q_head = head_of<Config>(p.q, p.q_strides, b, head);
    const auto* dout_head = head_of<Config>(p.dout, p.dout_strides, b, head);
    const std::int64_t stats = (std::int64_t{b} * common.heads + head) * common.query_tokens;
    for (TileWalk walk(common.columns, pattern_of(common, head), column, common.tiles_per_block,
                       first_key < end_key ? common.query_tokens : 0);
         !walk.done(); walk.advance()) {
      const int first = walk.tile() * Config::kTile;
      __syncthreads();  // the last tile has been read
      copy_rows<Config>(q, q_head, p.q_strides.token, first, common.query_tokens);
      copy_rows<Config>(dout, dout_head, p.dout_strides.token, first, common.query_tokens);
      commit_copies();
      if (threadIdx.x < Config::kTile) {
        const bool valid = first + static_cast<int>(threadIdx.x) < common.query_tokens;
        neg_lse[threadIdx.x] = valid ? p.neg_lse[stats + first + threadIdx.x] : -INFINITY;
        delta[threadIdx.x] = valid ? p.delta[stats + first + threadIdx.x] : 0;
      }
      wait_copies<0>();
      __syncthreads();

      typename Parts::Scores scores, dscores;
      Parts::multiply_tiles(scores, k, q);
#pragma unroll
      for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int query = 8 * j + threadIdx.x % 4 * 2 + i % 2;
          const bool seen = warp_key + i / 2 * 8 < end_key;
          const float p_ = exp2_approx(fmaf(scores[j][i], common.score_scale_log2, neg_lse[query]));
          scores[j][i] = seen ? p_ : 0;
        }
      }
      Parts::add_product(dv, scores, dout);
      Parts::multiply_tiles(dscores, v, dout);
#pragma unroll
      for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int query = 8 * j + threadIdx.x % 4 * 2 + i % 2;
          dscores[j][i] = scores[j][i] * (dscores[j][i] - delta[query]);
        }
      }
      Parts::add_product(dk, dscores, q);
    }
  }
  wait_copies<0>();
  const int first_row = first_key + threadIdx.x / 32 * 16;
  Parts::store(dk, common.score_scale, p.dk, b * p.dk_strides.batch + key_head * p.dk_strides.head,
               p.dk_strides.token, first_row, common.key_tokens);
  Parts::store(dv, 1, p.dv, b * p.dv_strides.batch + key_head * p.dv_strides.head,
               p.dv_strides.token, first_row, common.key_tokens);
}

/// Grid: (query tiles, heads, batch).
template <typename Config>
__global__ void __launch_bounds__(Config::kThreads)
    dq_kernel(const __grid_constant__ BackwardKernelParams p) {
  using Parts = BackwardTile<Config>;
  extern __shared__ __align__(128) unsigned char shared[];
  const Tile<Config> q{shared_address(shared)}, dout{q.address + Config::kTileBytes},
      k{dout.address + Config::kTileBytes}, v{k.address + Config::kTileBytes};

  const CommonParams& common = p.common;
  const int head = blockIdx.y, b = blockIdx.z;
  const int pattern = pattern_of(common, head);
  const int row =
      common.rows.order[pattern * common.rows.num_blocks + blockIdx.x / common.tiles_per_block];
  const int first_query =
      (row * common.tiles_per_block + blockIdx.x % common.tiles_per_block) * Config::kTile;
  if (first_query >= common.query_tokens) return;
  const int end_key = valid_keys(common, b);
  const int key_head = head / (common.heads / common.key_heads);
  const auto* k_head = head_of<Config>(p.k, p.k_strides, b, key_head);
  const auto* v_head = head_of<Config>(p.v, p.v_strides, b, key_head);
  copy_rows<Config>(q, head_of<Config>(p.q, p.q_strides, b, head), p.q_strides.token, first_query,
                    common.query_tokens);
  copy_rows<Config>(dout, head_of<Config>(p.dout, p.dout_strides, b, head), p.dout_strides.token,
                    first_query, common.query_tokens);

  const int first_row = first_query + threadIdx.x / 32 * 16;
  float neg_lse[2], delta[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int query = first_row + threadIdx.x % 32 / 4 + 8 * half;
    const std::int64_t place =
        (std::int64_t{b} * common.heads + head) * common.query_tokens + query;
    const bool valid = query < common.query_tokens;
    neg_lse[half] = valid ? p.neg_lse[place] : -INFINITY;
    delta[half] = valid ? p.delta[place] : 0;
  }

  typename Parts::Sums dq;
  Parts::clear(dq);
  for (TileWalk walk(common.rows, pattern, row, common.tiles_per_block, end_key); !walk.done();
       walk.advance()) {
    const int first = walk.tile() * Config::kTile;
    __syncthreads();
    copy_rows<Config>(k, k_head, p.k_strides.token, first, end_key);
    copy_rows<Config>(v, v_head, p.v_strides.token, first, end_key);
    commit_copies();
    wait_copies<0>();
    __syncthreads();

    typename Parts::Scores scores, dscores;
    Parts::multiply_tiles(scores, q, k);
    Parts::multiply_tiles(dscores, dout, v);
#pragma unroll
    for (int j = 0; j < Config::kTile / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const bool seen = first + 8 * j + static_cast<int>(threadIdx.x % 4) * 2 + i % 2 < end_key;
        const float p_ = exp2_approx(fmaf(scores[j][i], common.score_scale_log2, neg_lse[i / 2]));
        dscores[j][i] = seen ? p_ * (dscores[j][i] - delta[i / 2]) : 0;
      }
    }
    Parts::add_product(dq, dscores, k);
  }
  wait_copies<0>();
  Parts::store(dq, common.score_scale, p.dq, b * p.dq_strides.batch + head * p.dq_strides.head,
               p.dq_strides.token, first_row, common.query_tokens);
}

}  // namespace radial::sm80
