#pragma once

#include <cuda.h>

#include "attention/params.h"

namespace radial::sm90 {

/// Map of a tensor [B, S, H, D] for boxes of 64 columns by `box_tokens` tokens, 128-byte swizzled,
/// zeros beyond the end.
CUtensorMap make_tensor_map(const void* data, DType dtype, std::int64_t batch, std::int64_t tokens,
                            std::int64_t heads, std::int64_t head_dim, const Strides& strides,
                            int box_tokens);

}  // namespace radial::sm90
