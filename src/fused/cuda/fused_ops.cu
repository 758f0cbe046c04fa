// One block of threads per token; its channels stay in registers between the statistics and the
// result, so that memory is read once and written once.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <string_view>

#include "attention/cuda/common/compute_capability.h"
#include "attention/cuda/common/cuda_check.h"
#include "attention/cuda/common/device_array.h"
#include "fused/channel_math.h"
#include "fused/on_device.h"

namespace radial {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kVector = 8;  // channels that a thread takes at a time
constexpr int kMostVectors = static_cast<int>(kMostFusedChannels / (kThreads * kVector));

template <typename Element>
struct Round {
  __device__ float operator()(float value) const {
    if constexpr (std::is_same_v<Element, __nv_bfloat16>) {
      return __bfloat162float(__float2bfloat16(value));
    } else if constexpr (std::is_same_v<Element, __half>) {
      return __half2float(__float2half(value));
    } else {
      return value;
    }
  }
};

__device__ __forceinline__ void load(const float* memory, float (&values)[kVector]) {
  const float4 low = *reinterpret_cast<const float4*>(memory);
  const float4 high = *reinterpret_cast<const float4*>(memory + 4);
  const float all[kVector] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
  for (int i = 0; i < kVector; ++i) values[i] = all[i];
}

template <typename Element>
__device__ __forceinline__ void load(const Element* memory, float (&values)[kVector]) {
  const uint4 packed = *reinterpret_cast<const uint4*>(memory);
  const Element* elements = reinterpret_cast<const Element*>(&packed);
#pragma unroll
  for (int i = 0; i < kVector; ++i) values[i] = static_cast<float>(elements[i]);
}

__device__ __forceinline__ void store(float* memory, const float (&values)[kVector]) {
  reinterpret_cast<float4*>(memory)[0] = {values[0], values[1], values[2], values[3]};
  reinterpret_cast<float4*>(memory)[1] = {values[4], values[5], values[6], values[7]};
}

template <typename Element>
__device__ __forceinline__ void store(Element* memory, const float (&values)[kVector]) {
  uint4 packed;
  Element* elements = reinterpret_cast<Element*>(&packed);
#pragma unroll
  for (int i = 0; i < kVector; ++i) elements[i] = static_cast<Element>(values[i]);
  *reinterpret_cast<uint4*>(memory) = packed;
}

/// The sum over all threads of the block, in each of them. `parts` is used by one sum only.
__device__ __forceinline__ float sum_of_block(float value, float (&parts)[kWarps]) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, step);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) sum += parts[warp];
  return sum;
}

/// Calls `body(channel, i)` for each vector of channels that is this thread's.
template <typename Body>
__device__ __forceinline__ void for_each_vector(int channels, const Body& body) {
#pragma unroll
  for (int i = 0; i < kMostVectors; ++i) {
    const int channel = (i * kThreads + static_cast<int>(threadIdx.x)) * kVector;
    if (channel < channels) body(channel, i);
  }
}

struct Rows {
  const void* data;
  std::int64_t batch, token;  // strides

  template <typename Element>
  const __device__ Element* at(std::int64_t b, std::int64_t t) const {
    return static_cast<const Element*>(data) + b * batch + t * token;
  }
};

struct OutRows {
  void* data;
  std::int64_t batch, token;

  template <typename Element>
  __device__ Element* at(std::int64_t b, std::int64_t t) const {
    return static_cast<Element*>(data) + b * batch + t * token;
  }
};

struct NormRotaryParams {
  struct Part {
    Rows x;
    const void* maybe_weight;
    const float* maybe_rotation;
    OutRows out;
    float eps;
  };
  Part parts[2];
  std::int64_t tokens;
  std::int32_t channels, head_dim;
};

template <typename Element>
__global__ void __launch_bounds__(kThreads)
    norm_rotary_kernel(const __grid_constant__ NormRotaryParams p) {
  __shared__ float parts[kWarps];
  const NormRotaryParams::Part& part = p.parts[blockIdx.y];
  const std::int64_t b = blockIdx.x / p.tokens, token = blockIdx.x % p.tokens;
  const Element* x = part.x.template at<Element>(b, token);
  float values[kMostVectors][kVector];
  for_each_vector(p.channels, [&](int channel, int i) { load(x + channel, values[i]); });

  float inverse = 0;
  if (part.maybe_weight) {
    float squares = 0;
    for_each_vector(p.channels, [&](int, int i) {
#pragma unroll
      for (int j = 0; j < kVector; ++j) squares = fmaf(values[i][j], values[i][j], squares);
    });
    inverse = rsqrtf(sum_of_block(squares, parts) / static_cast<float>(p.channels) + part.eps);
  }
  Element* out = part.out.template at<Element>(b, token);
  for_each_vector(p.channels, [&](int channel, int i) {
    if (part.maybe_weight) {
      float weight[kVector];
      load(static_cast<const Element*>(part.maybe_weight) + channel, weight);
#pragma unroll
      for (int j = 0; j < kVector; ++j) {
        values[i][j] = rms_normed(values[i][j], inverse, weight[j], Round<Element>());
      }
    }
    if (part.maybe_rotation) {
      float angle[kVector];  // cosine, sine; cosine, sine; ...
      load(part.maybe_rotation + token * p.head_dim + channel % p.head_dim, angle);
#pragma unroll
      for (int j = 0; j < kVector; j += 2) {
        turn(values[i][j], values[i][j + 1], angle[j], angle[j + 1]);
      }
    }
    store(out + channel, values[i]);
  });
}

struct LayerNormParams {
  Rows x, scale, shift, maybe_branch, maybe_gate;  // of scale, shift and gate token is 0
  OutRows out, sum;
  std::int64_t tokens;
  std::int32_t channels;
  float scale_offset, eps;
};

/// `values` += branch * gate, also to memory.
template <typename Element>
__device__ __forceinline__ void add_branch(const LayerNormParams& p, std::int64_t b,
                                           std::int64_t token, int channel,
                                           float (&values)[kVector]) {
  float branch[kVector], gate[kVector] = {1, 1, 1, 1, 1, 1, 1, 1};
  load(p.maybe_branch.template at<Element>(b, token) + channel, branch);
  if (p.maybe_gate.data) load(p.maybe_gate.template at<float>(b, 0) + channel, gate);
#pragma unroll
  for (int j = 0; j < kVector; ++j) values[j] = gated(values[j], branch[j], gate[j]);
  store(p.sum.template at<float>(b, token) + channel, values);
}

template <typename Element>
__global__ void __launch_bounds__(kThreads)
    layer_norm_kernel(const __grid_constant__ LayerNormParams p) {
  __shared__ float sums[kWarps], squares[kWarps];
  const std::int64_t b = blockIdx.x / p.tokens, token = blockIdx.x % p.tokens;
  const float* x = p.x.template at<float>(b, token);
  const float count = static_cast<float>(p.channels);
  float values[kMostVectors][kVector];
  float sum = 0;
  for_each_vector(p.channels, [&](int channel, int i) {
    load(x + channel, values[i]);
    if (p.maybe_branch.data) add_branch<Element>(p, b, token, channel, values[i]);
#pragma unroll
    for (int j = 0; j < kVector; ++j) sum += values[i][j];
  });
  const float mean = sum_of_block(sum, sums) / count;
  float square = 0;
  for_each_vector(p.channels, [&](int, int i) {
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      square = fmaf(values[i][j] - mean, values[i][j] - mean, square);
    }
  });
  const float inverse = rsqrtf(sum_of_block(square, squares) / count + p.eps);
  Element* out = p.out.template at<Element>(b, token);
  for_each_vector(p.channels, [&](int channel, int i) {
    float scale[kVector], shift[kVector];
    load(p.scale.template at<float>(b, 0) + channel, scale);
    load(p.shift.template at<float>(b, 0) + channel, shift);
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      values[i][j] = modulated(values[i][j], mean, inverse, p.scale_offset + scale[j], shift[j]);
    }
    store(out + channel, values[i]);
  });
}

struct GatedResidualParams {
  Rows x, branch, gate;
  OutRows out;
  std::int64_t tokens;
  std::int32_t channels;
};

template <typename Element>
__global__ void __launch_bounds__(kThreads)
    gated_residual_kernel(const __grid_constant__ GatedResidualParams p) {
  const std::int64_t b = blockIdx.x / p.tokens, token = blockIdx.x % p.tokens;
  for_each_vector(p.channels, [&](int channel, int) {
    float x[kVector], branch[kVector], gate[kVector];
    load(p.x.template at<float>(b, token) + channel, x);
    load(p.branch.template at<Element>(b, token) + channel, branch);
    load(p.gate.template at<float>(b, 0) + channel, gate);
#pragma unroll
    for (int j = 0; j < kVector; ++j) x[j] = gated(x[j], branch[j], gate[j]);
    store(p.out.template at<float>(b, token) + channel, x);
  });
}

void check_address(std::string_view name, const void* data) {
  if (reinterpret_cast<std::uintptr_t>(data) % 16 != 0) {
    throw Unsupported(concat(name, ": on cuda expected memory at a multiple of 16 bytes"));
  }
}

template <typename Pointer>
void check_rows(std::string_view name, const BasicTensorView<Pointer>& view) {
  const std::int64_t channels = view.sizes[2] * view.sizes[3];
  if (view.sizes[3] % kVector != 0 || channels > kMostFusedChannels) {
    throw Unsupported(concat(name, ": on cuda expected channels in multiples of ", kVector,
                             ", at most ", kMostFusedChannels, ", got ", channels));
  }
  if (view.sizes[0] * view.sizes[1] > 0x7FFFFFFF) {
    throw Unsupported(concat(name, ": on cuda expected fewer than 2^31 tokens"));
  }
  check_address(name, view.data);
  const auto bytes = static_cast<std::int64_t>(size_of(view.dtype));
  for (const int i : {0, 1}) {
    if (view.sizes[i] > 1 && view.strides[i] * bytes % 16 != 0) {
      throw Unsupported(concat(
          name, ": on cuda expected rows at multiples of 16 bytes, got stride ", view.strides[i]));
    }
  }
}

void check_stride(std::string_view name, std::int64_t stride) {
  if (stride % 4 != 0) {
    throw Unsupported(concat(name, ": on cuda expected a stride in multiples of 4, got ", stride));
  }
}

Rows rows_of(const ConstTensorView& view) { return {view.data, view.strides[0], view.strides[1]}; }
OutRows rows_of(const TensorView& view) { return {view.data, view.strides[0], view.strides[1]}; }

std::int32_t channels_of(const ConstTensorView& view) {
  return static_cast<std::int32_t>(view.sizes[2] * view.sizes[3]);
}

template <typename Params>
void launch(void (*kernel)(Params), const Params& params, const ConstTensorView& x, unsigned parts,
            Stream stream) {
  const DeviceGuard guard(x.device.index);
  const auto rows = static_cast<unsigned>(x.sizes[0] * x.sizes[1]);
  kernel<<<dim3(rows, parts), kThreads, 0, static_cast<cudaStream_t>(stream.handle)>>>(params);
  RADIAL_CUDA_CHECK(cudaGetLastError());
}

}  // namespace

bool fused_on_cuda() { return compute_capability() >= 80; }

void fused::norm_rotary_on_cuda(std::span<const NormRotaryArgs> args, Stream stream) {
  const ConstTensorView& x = args[0].x;
  NormRotaryParams params{};
  params.tokens = x.sizes[1];
  params.channels = channels_of(x);
  params.head_dim = static_cast<std::int32_t>(x.sizes[3]);
  for (std::size_t i = 0; i < args.size(); ++i) {
    check_rows("x", args[i].x);
    check_rows("out", args[i].out);
    check_address("weight", args[i].maybe_weight);
    check_address("rotation", args[i].maybe_rotation);
    params.parts[i] = {rows_of(args[i].x), args[i].maybe_weight, args[i].maybe_rotation,
                       rows_of(args[i].out), static_cast<float>(args[i].eps)};
  }
  const auto parts = static_cast<unsigned>(args.size());
  if (x.dtype == DType::kBFloat16) {
    launch(norm_rotary_kernel<__nv_bfloat16>, params, x, parts, stream);
  } else if (x.dtype == DType::kFloat16) {
    launch(norm_rotary_kernel<__half>, params, x, parts, stream);
  } else {
    launch(norm_rotary_kernel<float>, params, x, parts, stream);
  }
}

void fused::layer_norm_on_cuda(const LayerNormArgs& args, Stream stream) {
  check_rows("x", args.x);
  check_rows("out", args.out);
  check_address("scale", args.scale);
  check_address("shift", args.shift);
  check_stride("scale", args.scale_stride);
  check_stride("shift", args.shift_stride);
  if (args.maybe_branch.data) {
    check_rows("branch", args.maybe_branch);
    check_rows("sum", args.sum);
    check_address("gate", args.maybe_gate);
    check_stride("gate", args.gate_stride);
  }
  const LayerNormParams params{rows_of(args.x),
                               {args.scale, args.scale_stride, 0},
                               {args.shift, args.shift_stride, 0},
                               rows_of(args.maybe_branch),
                               {args.maybe_gate, args.gate_stride, 0},
                               rows_of(args.out),
                               rows_of(args.sum),
                               args.x.sizes[1],
                               channels_of(args.x),
                               static_cast<float>(args.scale_offset),
                               static_cast<float>(args.eps)};
  if (args.out.dtype == DType::kBFloat16) {
    launch(layer_norm_kernel<__nv_bfloat16>, params, args.x, 1, stream);
  } else if (args.out.dtype == DType::kFloat16) {
    launch(layer_norm_kernel<__half>, params, args.x, 1, stream);
  } else {
    launch(layer_norm_kernel<float>, params, args.x, 1, stream);
  }
}

void fused::gated_residual_on_cuda(const GatedResidualArgs& args, Stream stream) {
  check_rows("x", args.x);
  check_rows("branch", args.branch);
  check_rows("out", args.out);
  check_address("gate", args.gate);
  check_stride("gate", args.gate_stride);
  const GatedResidualParams params{
      rows_of(args.x),   rows_of(args.branch), {args.gate, args.gate_stride, 0},
      rows_of(args.out), args.x.sizes[1],      channels_of(args.x)};
  if (args.branch.dtype == DType::kBFloat16) {
    launch(gated_residual_kernel<__nv_bfloat16>, params, args.x, 1, stream);
  } else if (args.branch.dtype == DType::kFloat16) {
    launch(gated_residual_kernel<__half>, params, args.x, 1, stream);
  } else {
    launch(gated_residual_kernel<float>, params, args.x, 1, stream);
  }
}

}  // namespace radial
