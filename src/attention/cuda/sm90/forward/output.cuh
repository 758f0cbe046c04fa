#pragma once

#include "attention/cuda/common/element.cuh"
#include "attention/cuda/sm90/forward/config.h"
#include "attention/cuda/sm90/forward/params.cuh"
#include "attention/cuda/sm90/forward/schedule.cuh"
#include "attention/cuda/sm90/forward/softmax.cuh"

namespace radial::sm90 {

/// Transposes a 4 x 4 matrix of which each of four neighbouring lanes holds a column: afterwards
/// each holds a row.
__device__ __forceinline__ void transpose_in_quad(std::uint32_t (&w)[4]) {
  const bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
  const std::uint32_t a = __shfl_xor_sync(0xffffffffu, odd ? w[0] : w[1], 1);
  const std::uint32_t b = __shfl_xor_sync(0xffffffffu, odd ? w[2] : w[3], 1);
  (odd ? w[0] : w[1]) = a;
  (odd ? w[2] : w[3]) = b;
  const std::uint32_t c = __shfl_xor_sync(0xffffffffu, upper ? w[0] : w[2], 2);
  const std::uint32_t d = __shfl_xor_sync(0xffffffffu, upper ? w[1] : w[3], 2);
  (upper ? w[0] : w[2]) = c;
  (upper ? w[1] : w[3]) = d;
}

/// Normalises and writes the 64 rows of a warpgroup, but for those beyond the last query.
template <typename Config, typename Rows>
__device__ __forceinline__ void store_rows(const ForwardKernelParams& p, const Tile& tile,
                                           int group, float (&output)[Config::kHeadDim / 2],
                                           Rows& rows) {
  using Element = typename Config::Element;
  float factor[2], lse[2];
  rows.finish(p.scale, factor, lse);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
  const std::int64_t slot = static_cast<std::int64_t>(tile.sample) * p.heads + tile.head;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int query = tile.row * Config::kTileQueries + group * 64 + warp * 16 + lane / 4 + 8 * r;
    const bool exists = query < p.query_tokens;
    Element* row = static_cast<Element*>(p.out) + tile.sample * p.out_batch + query * p.out_token +
                   tile.head * p.out_head + lane % 4 * 8;
#pragma unroll
    for (int j = 0; j < Config::kHeadDim / 32; ++j) {  // 32 columns: 8 for each lane of the quad
      std::uint32_t words[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float* pair = output + 4 * (4 * j + i) + 2 * r;
        words[i] = pack<Element>(pair[0] * factor[r], pair[1] * factor[r]);
      }
      transpose_in_quad(words);
      if (exists) {
        *reinterpret_cast<uint4*>(row + 32 * j) =
            make_uint4(words[0], words[1], words[2], words[3]);
      }
    }
    if (p.maybe_lse && exists && lane % 4 == 0) {
      p.maybe_lse[slot * p.query_tokens + query] = lse[r];
    }
  }
}

/// Writes the 64 rows of a warpgroup as part `partial` of a tile, rows beyond the last query too.
template <typename Config, typename Rows>
__device__ __forceinline__ void store_partial(const ForwardKernelParams& p, int partial, int group,
                                              float (&output)[Config::kHeadDim / 2], Rows& rows) {
  float factor[2], lse[2];
  rows.finish(p.scale, factor, lse);
  constexpr int kRows = Config::kTileQueries;
  float* const to = p.partials + partial * partial_floats(Config::kHeadDim);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = group * 64 + warp * 16 + lane / 4 + 8 * r;
    float* const columns = to + row * Config::kHeadDim + lane % 4 * 2;
#pragma unroll
    for (int j = 0; j < Config::kHeadDim / 8; ++j) {
      const float* pair = output + 4 * j + 2 * r;
      *reinterpret_cast<float2*>(columns + 8 * j) =
          make_float2(pair[0] * factor[r], pair[1] * factor[r]);
    }
    if (lane % 4 == 0) to[kRows * Config::kHeadDim + row] = lse[r];
  }
}

}  // namespace radial::sm90
