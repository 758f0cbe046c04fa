#pragma once

#include "attention/cuda/common/element.cuh"
#include "attention/cuda/sm90/backward/params.cuh"

namespace radial::sm90 {

/// Arguments of the kernel before the main one.
struct RowStatsParams {
  const void* out;   // [B, Sq, H, D]
  const void* dout;  // [B, Sq, H, D]
  const float* lse;  // [B, H, Sq]
  float* neg_lse;    // [B, H, SqPad] -lse * log2(e); -inf where nothing is seen and beyond Sq
  float* neg_delta;  // [B, H, SqPad] minus the row sums of dO * O; 0 beyond Sq
  ElementStrides out_strides, dout_strides;
  std::int64_t query_tokens, padded_queries;
  std::int32_t heads;
};

/// Each group of D / 8 lanes makes one row; a block makes the rows of one head from
/// blockIdx.x * kRowsPerBlock on.
template <typename Config>
struct RowStats {
  static constexpr int kThreads = 256;
  static constexpr int kLanesPerRow = Config::kHeadDim / 8;
  static constexpr int kRowsPerBlock = kThreads / kLanesPerRow;
};

template <typename Element>
__device__ __forceinline__ float dot8(const uint4& a, const uint4& b) {
  const std::uint32_t left[4] = {a.x, a.y, a.z, a.w}, right[4] = {b.x, b.y, b.z, b.w};
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 x = unpack<Element>(left[i]), y = unpack<Element>(right[i]);
    sum = fmaf(x.x, y.x, fmaf(x.y, y.y, sum));
  }
  return sum;
}

template <typename Config>
__global__ void __launch_bounds__(RowStats<Config>::kThreads)
    row_stats_kernel(const __grid_constant__ RowStatsParams p) {
  using Element = typename Config::Element;
  using Shape = RowStats<Config>;
  const int lane = threadIdx.x % Shape::kLanesPerRow;
  const std::int64_t row =
      std::int64_t{blockIdx.x} * Shape::kRowsPerBlock + threadIdx.x / Shape::kLanesPerRow;
  const std::int64_t head = blockIdx.y, sample = blockIdx.z;
  float delta = 0;
  if (row < p.query_tokens) {
    const auto load = [&](const void* memory, const ElementStrides& strides) {
      return __ldg(reinterpret_cast<const uint4*>(static_cast<const Element*>(memory) +
                                                  sample * strides.batch + row * strides.token +
                                                  head * strides.head) +
                   lane);
    };
    delta = dot8<Element>(load(p.out, p.out_strides), load(p.dout, p.dout_strides));
  }
#pragma unroll
  for (int step = 1; step < Shape::kLanesPerRow; step *= 2) {
    delta += __shfl_xor_sync(0xFFFFFFFF, delta, step);
  }
  if (lane != 0 || row >= p.padded_queries) return;
  const std::int64_t line = sample * p.heads + head;
  float neg_lse = -INFINITY;
  if (row < p.query_tokens) {
    const float lse = p.lse[line * p.query_tokens + row];
    if (lse != -INFINITY) neg_lse = -lse * 1.44269504088896340736f;
  }
  p.neg_lse[line * p.padded_queries + row] = neg_lse;
  p.neg_delta[line * p.padded_queries + row] = -delta;
}

}  // namespace radial::sm90
