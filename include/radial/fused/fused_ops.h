#pragma once

#include <cstdint>
#include <span>

#include "radial/base/export.h"
#include "radial/base/stream.h"
#include "radial/base/tensor_view.h"

// What a transformer block does to each token between its matrix products, one pass over memory
// each. Sums and statistics are float32; every result that the models' own code rounds to a 16-bit
// type is rounded at the same place. Forward only.
//
// All throw InvalidArgument on a bad argument before anything is written and Unsupported for CUDA
// tensors where `fused_on_cuda` is false or the sizes are others than it says. On CUDA the work is
// queued on the stream and the call returns; nothing is allocated.

namespace radial {

/// Does this build have the kernels, and is the current GPU of compute capability 8.0 or later?
RADIAL_API bool fused_on_cuda();

/// CUDA: a token may have at most this many channels, in multiples of 8; memory of x, out, branch
/// and weights begins at multiples of 16 bytes, as do its rows.
inline constexpr std::int64_t kMostFusedChannels = 8192;

struct FusedOptions {
  Stream stream = {};   ///< CUDA
  int num_threads = 0;  ///< CPU: 0 means `default_num_threads()`
};

/// Queries or keys between their product and attention: RMS norm over all heads of a token,
/// x / sqrt(mean(x^2) + eps) rounded, times the weight, rounded; then each pair of channels
/// (2i, 2i + 1) of a head turned by the token's angle i.
struct NormRotaryArgs {
  ConstTensorView x;                 ///< [B, S, H, D], D even; heads of a token adjacent (stride D)
  const void* maybe_weight = {};     ///< [H * D] in the dtype of x; null: no norm
  const float* maybe_rotation = {};  ///< [S, D / 2, 2] cosine and sine; null: not turned
  TensorView out;                    ///< as x
  double eps = 1e-6;
};
/// One or two (q and k, of the same sizes and dtype, not float64) in one pass.
RADIAL_API void norm_rotary(std::span<const NormRotaryArgs> parts,
                            const FusedOptions& options = {});

/// out = (y - mean) / sqrt(variance + eps) * (scale_offset + scale) + shift over the channels of a
/// token, where y is x or, with a branch, x + branch * gate.
struct LayerNormArgs {
  ConstTensorView x;             ///< [B, S, 1, E] float32
  const float* scale = nullptr;  ///< [E], of sample b at b * scale_stride
  const float* shift = nullptr;  ///< likewise
  std::int64_t scale_stride = 0, shift_stride = 0;
  double scale_offset = 1;  ///< 1: modulation; 0: scale is a weight, shift a bias
  TensorView out;           ///< [B, S, 1, E] float32, bfloat16 or float16
  double eps = 1e-6;
  ConstTensorView maybe_branch;       ///< [B, S, 1, E] in the dtype of out; null data: none
  const float* maybe_gate = nullptr;  ///< [E], of sample b at b * gate_stride; null: 1
  std::int64_t gate_stride = 0;
  TensorView sum;  ///< with a branch: y [B, S, 1, E] float32; may be x
};
RADIAL_API void layer_norm_modulated(const LayerNormArgs& args, const FusedOptions& options = {});

/// out = x + branch * gate.
struct GatedResidualArgs {
  ConstTensorView x;            ///< [B, S, 1, E] float32
  ConstTensorView branch;       ///< [B, S, 1, E] float32, bfloat16 or float16
  const float* gate = nullptr;  ///< [E], of sample b at b * gate_stride
  std::int64_t gate_stride = 0;
  TensorView out;  ///< [B, S, 1, E] float32; may be x
};
RADIAL_API void gated_residual(const GatedResidualArgs& args, const FusedOptions& options = {});

}  // namespace radial
