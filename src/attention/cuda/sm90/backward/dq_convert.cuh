#pragma once

#include "attention/cuda/common/element.cuh"
#include "attention/cuda/sm90/backward/params.cuh"

namespace radial::sm90 {

/// Arguments of the kernel after the main one: dQ = scale * sums, from fragment order to rows.
struct DqConvertParams {
  const float* dq_sums;  // [heads of the launch, tiles, ...] as BackwardKernelParams says
  void* dq;              // [B, Sq, H, D]
  ElementStrides dq_strides;
  const std::int32_t* contributors;         // [patterns, QB]
  const std::int32_t* maybe_head_patterns;  // [H]
  std::int64_t query_tokens;
  std::int32_t heads, first_line, num_tiles;  // a line is sample * H + head
  float scale;
};

/// One block makes one tile of 64 queries of one head. A thread gathers 8 neighbouring columns of
/// two rows from the four lanes that held them.
template <typename Config>
struct DqConvert {
  static constexpr int kThreads = 128 * Config::kHeadDim / 32;
};

template <typename Config>
__global__ void __launch_bounds__(DqConvert<Config>::kThreads)
    dq_convert_kernel(const __grid_constant__ DqConvertParams p) {
  using Element = typename Config::Element;
  constexpr int kChunks = Config::kHeadDim / 8, kUnitChunks = Config::kDqColumns / 8;
  const int tile = blockIdx.x, line = p.first_line + blockIdx.y;
  const int sample = line / p.heads, head = line % p.heads;
  const int chunk = threadIdx.x % kChunks, rows = threadIdx.x / kChunks;  // rows: warp * 8 + row
  const int unit_of_tile = chunk / kUnitChunks, warp = rows / 8, row = rows % 8;
  const int pattern = p.maybe_head_patterns ? p.maybe_head_patterns[head] : 0;

  float4 parts[4] = {};
  if (p.contributors[pattern * (p.num_tiles / 2) + tile / 2] > 0) {
    const std::int64_t unit =
        ((std::int64_t{blockIdx.y} * p.num_tiles + tile) * Config::kDqUnits + unit_of_tile);
    const float4* sums = reinterpret_cast<const float4*>(p.dq_sums + unit * Config::kDqFloats) +
                         chunk % kUnitChunks * 128 + warp * 32 + row * 4;
#pragma unroll
    for (int lane = 0; lane < 4; ++lane) parts[lane] = __ldcs(sums + lane);
  }
  const std::int64_t query = std::int64_t{tile} * Config::kQueryRows + warp * 16 + row;
  Element* out = static_cast<Element*>(p.dq) + sample * p.dq_strides.batch +
                 head * p.dq_strides.head + query * p.dq_strides.token + chunk * 8;
  uint4 upper, lower;
  std::uint32_t* up = &upper.x;
  std::uint32_t* low = &lower.x;
#pragma unroll
  for (int lane = 0; lane < 4; ++lane) {
    up[lane] = pack<Element>(p.scale * parts[lane].x, p.scale * parts[lane].y);
    low[lane] = pack<Element>(p.scale * parts[lane].z, p.scale * parts[lane].w);
  }
  if (query < p.query_tokens) *reinterpret_cast<uint4*>(out) = upper;
  if (query + 8 < p.query_tokens) *reinterpret_cast<uint4*>(out + 8 * p.dq_strides.token) = lower;
}

}  // namespace radial::sm90
