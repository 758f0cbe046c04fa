#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/device_array.h"
#include "attention/merge.h"
#include "radial/base/error.h"

namespace radial {
namespace {

struct Operand {
  const void* data;  // [B, S, H, D]
  const float* lse;  // [B, H, S]
  std::int64_t batch, token, head;
};

struct MergeParams {
  Operand a, b;
  void* out;   // [B, S, H, D]
  float* lse;  // [B, H, S]
  std::int64_t batch, token, head;
  std::int64_t rows, tokens;  // rows = B * H * S
  std::int32_t heads, head_dim;
};

Operand operand_of(const ConstTensorView& view, const void* lse) {
  return {view.data, static_cast<const float*>(lse), view.strides[0], view.strides[1],
          view.strides[2]};
}

__device__ float widened(float value) { return value; }
__device__ float widened(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ float widened(__half value) { return __half2float(value); }

template <typename Element>
__device__ Element rounded(float value) {
  if constexpr (std::is_same_v<Element, float>) return value;
  if constexpr (std::is_same_v<Element, __nv_bfloat16>) return __float2bfloat16(value);
  if constexpr (std::is_same_v<Element, __half>) return __float2half(value);
}

/// One warp per row. Operands may be the result's memory: each lane reads what it writes, and the
/// sums of both rows are read by all lanes before lane 0 writes.
template <typename Element>
__global__ void merge_kernel(MergeParams p) {
  const std::int64_t row = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
  if (row >= p.rows) return;
  const int lane = threadIdx.x % 32;
  const std::int64_t token = row % p.tokens;
  const std::int64_t head = row / p.tokens % p.heads;
  const std::int64_t batch = row / p.tokens / p.heads;

  const float lse_a = p.a.lse[row], lse_b = p.b.lse[row];
  __syncwarp();
  const float most = fmaxf(lse_a, lse_b);
  const bool empty = most == -INFINITY;
  const float lse = empty ? most : most + logf(expf(lse_a - most) + expf(lse_b - most));
  const float weight_a = empty ? 0 : expf(lse_a - lse);
  const float weight_b = empty ? 0 : expf(lse_b - lse);
  if (lane == 0) p.lse[row] = lse;

  const auto at = [&](const Operand& o) {
    return static_cast<const Element*>(o.data) + batch * o.batch + token * o.token + head * o.head;
  };
  const Element* a = at(p.a);
  const Element* b = at(p.b);
  Element* out = static_cast<Element*>(p.out) + batch * p.batch + token * p.token + head * p.head;
  for (int i = lane; i < p.head_dim; i += 32) {
    // A side that saw nothing may hold anything finite; its weight is 0.
    out[i] = rounded<Element>(weight_a * widened(a[i]) + weight_b * widened(b[i]));
  }
}

template <typename Element>
void launch(const MergeParams& params, cudaStream_t stream) {
  constexpr int kThreads = 256;
  const std::int64_t blocks = (params.rows * 32 + kThreads - 1) / kThreads;
  merge_kernel<Element><<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(params);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

}  // namespace

void merge_on_cuda(const MergeArgs& args, Stream stream) {
  const auto& sizes = args.out.sizes;
  const auto& strides = args.out.strides;
  const MergeParams params{operand_of(args.out_a, args.lse_a),
                           operand_of(args.out_b, args.lse_b),
                           args.out.data,
                           static_cast<float*>(args.lse),
                           strides[0],
                           strides[1],
                           strides[2],
                           sizes[0] * sizes[1] * sizes[2],
                           sizes[1],
                           static_cast<std::int32_t>(sizes[2]),
                           static_cast<std::int32_t>(sizes[3])};
  const DeviceGuard guard(args.out.device.index);
  const auto queue = static_cast<cudaStream_t>(stream.handle);
  switch (args.out.dtype) {
    case DType::kBFloat16:
      return launch<__nv_bfloat16>(params, queue);
    case DType::kFloat16:
      return launch<__half>(params, queue);
    case DType::kFloat32:
      return launch<float>(params, queue);
    case DType::kFloat64:
      break;
  }
  throw Unsupported("merge on cuda: expected bfloat16, float16 or float32, got float64");
}

}  // namespace radial
