#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "radial/attention/attention.h"

namespace radial {

/// Distance in elements from one sample, token or head to the next.
struct Strides {
  std::int64_t batch = 0, token = 0, head = 0;
};

/// What forward and backward share, checked: all that an implementation sees.
struct AttentionProblem {
  DType dtype = DType::kFloat32;
  Device device = {};
  std::int64_t batch = 0;         // B
  std::int64_t query_tokens = 0;  // Sq
  std::int64_t key_tokens = 0;    // Sk
  std::int32_t heads = 0;         // H
  std::int32_t key_heads = 0;     // Hkv, divides H
  std::int32_t head_dim = 0;      // D
  double scale = 0;
  const BlockPlan* plan = nullptr;
  const DevicePlan* maybe_device_plan = nullptr;
  const std::int32_t* maybe_text_lengths = nullptr;  // [B]

  std::int32_t key_head_of(std::int32_t head) const { return head / (heads / key_heads); }
  /// End of the keys that sample `b` may see (CPU only: reads the lengths).
  std::int64_t valid_keys(std::int64_t b) const {
    return maybe_text_lengths ? plan->text_begin() + maybe_text_lengths[b] : key_tokens;
  }
};

struct ForwardParams {
  AttentionProblem problem;
  const void* q = nullptr;    // [B, Sq, H, D]
  const void* k = nullptr;    // [B, Sk, Hkv, D]
  const void* v = nullptr;    // [B, Sk, Hkv, D]
  void* out = nullptr;        // [B, Sq, H, D]
  void* maybe_lse = nullptr;  // [B, H, Sq]
  Strides q_strides, k_strides, v_strides, out_strides;
};

struct BackwardParams {
  AttentionProblem problem;
  const void* q = nullptr;     // [B, Sq, H, D]
  const void* k = nullptr;     // [B, Sk, Hkv, D]
  const void* v = nullptr;     // [B, Sk, Hkv, D]
  const void* out = nullptr;   // [B, Sq, H, D]
  const void* lse = nullptr;   // [B, H, Sq]
  const void* dout = nullptr;  // [B, Sq, H, D]
  void* dq = nullptr;          // [B, Sq, H, D]
  void* dk = nullptr;          // [B, Sk, Hkv, D]
  void* dv = nullptr;          // [B, Sk, Hkv, D]
  Strides q_strides, k_strides, v_strides, out_strides, dout_strides, dq_strides, dk_strides,
      dv_strides;
};

/// Where and with what a call runs.
struct RunContext {
  int num_threads = 1;  // CPU
  Stream stream = {};   // CUDA
  Workspace workspace;  // as large as the implementation asked for
};

/// One way to compute attention. The list of them is in implementation.cpp; the front takes the
/// first whose `unavailable` and `declines` are empty.
struct Implementation {
  std::string_view name;
  std::string_view description;
  DeviceType device;
  /// Why this machine cannot run it; empty if it can.
  std::string (*unavailable)();
  /// Why it does not serve this problem; empty if it does.
  std::string (*declines)(const AttentionProblem& problem);
  std::size_t (*forward_workspace)(const AttentionProblem& problem, int num_threads);
  std::size_t (*backward_workspace)(const AttentionProblem& problem, int num_threads);
  void (*forward)(const ForwardParams& params, const RunContext& context);
  void (*backward)(const BackwardParams& params, const RunContext& context);
};

}  // namespace radial
