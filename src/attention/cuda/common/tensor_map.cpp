#include "attention/cuda/common/tensor_map.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "radial/base/error.h"

namespace radial::sm90 {
namespace {

using EncodeTiled = decltype(&cuTensorMapEncodeTiled);

/// The driver's function, found at run time: the library does not link the driver.
EncodeTiled encode_tiled() {
  static const EncodeTiled function = [] {
    void* pointer = nullptr;
    cudaDriverEntryPointQueryResult found;
    const cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &pointer,
                                                               12000, cudaEnableDefault, &found);
    if (error != cudaSuccess || found != cudaDriverEntryPointSuccess) {
      throw CudaError("the driver has no cuTensorMapEncodeTiled (CUDA 12.0)");
    }
    return reinterpret_cast<EncodeTiled>(pointer);
  }();
  return function;
}

}  // namespace

CUtensorMap make_tensor_map(const void* data, DType dtype, std::int64_t batch, std::int64_t tokens,
                            std::int64_t heads, std::int64_t head_dim, const Strides& strides,
                            int box_tokens) {
  const auto size = [](std::int64_t count) { return static_cast<cuuint64_t>(count); };
  // A dimension of one element may come with any stride; the driver wants a sound one.
  const auto bytes = [&](std::int64_t count, std::int64_t stride) {
    return size(2 * (count > 1 ? stride : std::max<std::int64_t>(stride, head_dim)));
  };
  const cuuint64_t sizes[4] = {size(head_dim), size(tokens), size(heads), size(batch)};
  const cuuint64_t byte_strides[3] = {bytes(tokens, strides.token), bytes(heads, strides.head),
                                      bytes(batch, strides.batch)};
  const cuuint32_t box[4] = {64, static_cast<cuuint32_t>(box_tokens), 1, 1};
  const cuuint32_t steps[4] = {1, 1, 1, 1};
  CUtensorMap map;
  const CUresult result =
      encode_tiled()(&map,
                     dtype == DType::kBFloat16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                                               : CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
                     4, const_cast<void*>(data), sizes, byte_strides, box, steps,
                     CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                     CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    throw CudaError(concat("cuTensorMapEncodeTiled failed with code ", static_cast<int>(result),
                           " for [", batch, ", ", tokens, ", ", heads, ", ", head_dim, "]"));
  }
  return map;
}

}  // namespace radial::sm90
