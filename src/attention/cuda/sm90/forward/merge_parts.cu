#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/element.cuh"
#include "attention/cuda/common/ptx.cuh"
#include "attention/cuda/sm90/forward/config.h"
#include "attention/cuda/sm90/forward/launch.h"
#include "attention/cuda/sm90/forward/schedule.cuh"

// Tiles whose keys were shared out among thread blocks: their parts become one. The order of the
// sums depends on the plan and on the number of thread blocks only.

namespace radial::sm90 {
namespace {

constexpr int kTileRows = 128, kRowsPerBlock = 16;

/// Blocks [cuts, groups of rows], one warp a row; each lane holds neighbouring columns.
template <typename Element, int kHeadDim>
__global__ void __launch_bounds__(32 * kRowsPerBlock)
    merge_parts_kernel(const __grid_constant__ ForwardKernelParams p, std::int32_t blocks) {
  const CutTile tile(p, blockIdx.x + 1, blocks);
  const int lane = threadIdx.x % 32, row = blockIdx.y * kRowsPerBlock + threadIdx.x / 32;
  const int query = tile.row * kTileRows + row;
  wait_for_dependencies();  // all of them: what follows in the stream waits for this kernel only
  if (tile.count == 0 || query >= p.query_tokens) return;
  const auto part = [&](int n) { return p.partials + tile.partial(n) * partial_floats(kHeadDim); };
  const auto lse_of = [&](int n) {
    return n < tile.count ? part(n)[kTileRows * kHeadDim + row] : -INFINITY;
  };

  float most = -INFINITY;
  for (int first = 0; first < tile.count; first += 32) most = fmaxf(most, lse_of(first + lane));
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) {
    most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, apart));
  }

  constexpr int kColumns = kHeadDim / 32;
  float total = 0, sum[kColumns] = {};
  for (int first = 0; first < tile.count; first += 32) {
    const float lse = lse_of(first + lane);
    const float mine = lse == -INFINITY ? 0 : expf(lse - most);
    const int count = min(32, tile.count - first);
#pragma unroll 4
    for (int n = 0; n < count; ++n) {
      const float weight = __shfl_sync(0xffffffffu, mine, n);
      const float* const columns = part(first + n) + row * kHeadDim + lane * kColumns;
      total += weight;
#pragma unroll
      for (int c = 0; c < kColumns; c += 2) {
        const float2 two = *reinterpret_cast<const float2*>(columns + c);
        sum[c] += weight * two.x;
        sum[c + 1] += weight * two.y;
      }
    }
  }

  const float factor = total == 0 ? 0 : 1 / total;
  const int sample = tile.slot / p.heads, head = tile.slot % p.heads;
  Element* const out = static_cast<Element*>(p.out) + sample * p.out_batch + query * p.out_token +
                       head * p.out_head + lane * kColumns;
#pragma unroll
  for (int c = 0; c < kColumns; c += 2) {
    *reinterpret_cast<std::uint32_t*>(out + c) =
        pack<Element>(sum[c] * factor, sum[c + 1] * factor);
  }
  if (p.maybe_lse && lane == 0) {
    p.maybe_lse[std::int64_t{tile.slot} * p.query_tokens + query] =
        total == 0 ? -INFINITY : most + logf(total);
  }
}

template <typename Element, int kHeadDim>
void run(const ForwardKernelParams& p, int blocks, cudaStream_t stream) {
  const dim3 grid(blocks - 1, kTileRows / kRowsPerBlock);
  cudaLaunchAttribute overlap = {};  // starts while the forward ends
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(32 * kRowsPerBlock);
  config.stream = stream;
  config.attrs = &overlap;
  config.numAttrs = 1;
  RADIAL_CUDA_CHECK(cudaLaunchKernelEx(&config, merge_parts_kernel<Element, kHeadDim>, p, blocks));
}

template <typename Element>
void run_head_dim(const ForwardKernelParams& p, int head_dim, int blocks, cudaStream_t stream) {
  head_dim == 64 ? run<Element, 64>(p, blocks, stream) : run<Element, 128>(p, blocks, stream);
}

}  // namespace

void run_merge_parts(const ForwardKernelParams& params, DType dtype, int head_dim, int blocks,
                     cudaStream_t stream) {
  dtype == DType::kBFloat16 ? run_head_dim<__nv_bfloat16>(params, head_dim, blocks, stream)
                            : run_head_dim<__half>(params, head_dim, blocks, stream);
}

}  // namespace radial::sm90
