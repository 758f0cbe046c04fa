#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "radial/base/export.h"
#include "radial/base/stream.h"
#include "radial/base/tensor_view.h"
#include "radial/plan/block_plan.h"

namespace radial {

class DevicePlan;  // radial/cuda/device_plan.h

/// Scratch memory that the caller owns, on the device of the tensors, 256-byte aligned.
struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

/// How to run, the same for forward and backward.
struct RunOptions {
  std::string_view implementation = {};  ///< empty: RADIAL_IMPLEMENTATION, else the first that can
  int num_threads = 0;                   ///< CPU: 0 means `default_num_threads()`
  Stream stream = {};                    ///< CUDA
  const DevicePlan* device_plan = nullptr;  ///< CUDA: the uploaded plan, required there
  /// As large as `forward_workspace_bytes` / `backward_workspace_bytes` says. Without one the CPU
  /// takes memory for the call; CUDA throws InvalidArgument when it needs one.
  Workspace workspace = {};
};

/// softmax(scale * Q K^T) V over every pair of the plan's kept blocks, except keys at or beyond Sk
/// and text keys at or beyond the sample's length. A query that sees no key gets out = 0, lse =
/// -inf. Sizes: B batch, Sq / Sk tokens, H heads, D head dim. Hkv divides H: head h reads key head
/// h / (H / Hkv).
struct ForwardArgs {
  ConstTensorView q;          // [B, Sq, H, D]
  ConstTensorView k;          // [B, Sk, Hkv, D]
  ConstTensorView v;          // [B, Sk, Hkv, D]
  TensorView out;             // [B, Sq, H, D]
  void* maybe_lse = nullptr;  // [B, H, Sq] contiguous float32 (float64 for float64 tensors):
                              // natural log of the sum of exp(scale * score)
  const std::int32_t* maybe_text_lengths =
      nullptr;                       // [B] valid text tokens, on the tensors' device
  std::optional<double> scale = {};  // default 1 / sqrt(D)
};

/// Gradients of `ForwardArgs` from that of its output. `out` and `lse` are the forward's.
struct BackwardArgs {
  ConstTensorView q, k, v, out;  // as in ForwardArgs
  const void* lse = nullptr;     // [B, H, Sq]
  ConstTensorView dout;          // [B, Sq, H, D]
  TensorView dq;                 // [B, Sq, H, D]
  TensorView dk, dv;             // [B, Sk, Hkv, D]
  const std::int32_t* maybe_text_lengths = nullptr;
  std::optional<double> scale = {};
};

/// Throws InvalidArgument on a bad argument, Unsupported if no implementation can serve the
/// request; both before anything is written. On CUDA the work is queued on the stream and the call
/// returns.
RADIAL_API void attention_forward(const BlockPlan& plan, const ForwardArgs& args,
                                  const RunOptions& options = {});
/// The same for the gradients. The result does not depend on the number of threads, and repeats are
/// equal bit for bit.
RADIAL_API void attention_backward(const BlockPlan& plan, const BackwardArgs& args,
                                   const RunOptions& options = {});

/// Scratch bytes the chosen implementation needs; 0 is common.
RADIAL_API std::size_t forward_workspace_bytes(const BlockPlan& plan, const ForwardArgs& args,
                                               const RunOptions& options = {});
RADIAL_API std::size_t backward_workspace_bytes(const BlockPlan& plan, const BackwardArgs& args,
                                                const RunOptions& options = {});

/// Name of the implementation that a call with these arguments would run.
RADIAL_API std::string chosen_implementation(const BlockPlan& plan, const ForwardArgs& args,
                                             const RunOptions& options = {});

/// Two results over disjoint sets of keys, joined into the result over their union (`merge` of
/// softmax states; FlashInfer calls it cascade). All views [B, Sq, H, D], all lse [B, H, Sq]
/// contiguous; `out` and `lse` may be the first operand's memory.
struct MergeArgs {
  ConstTensorView out_a, out_b;
  const void* lse_a = nullptr;
  const void* lse_b = nullptr;
  TensorView out;
  void* lse = nullptr;
};
RADIAL_API void merge(const MergeArgs& args, const RunOptions& options = {});

}  // namespace radial
