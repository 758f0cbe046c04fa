// The fused operators on CPU and CUDA: tensors to views, one call of libradial.

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/view_as_real.h>
#include <c10/core/DeviceGuard.h>

#include <array>

#include "fused_operators.h"
#include "radial/fused/fused_ops.h"
#include "tensor_bridge.h"

namespace radial::torch_ops {
namespace {

constexpr std::int64_t kAlignment = 16;  // bytes

FusedOptions options_for(const at::Tensor& x) {
  const RunOptions options = run_options(x, nullptr);
  return {options.stream, options.num_threads};
}

/// The tensor [B, S, H, D] itself if a token's channels are contiguous and rows begin where the
/// kernels can load them; else a copy.
at::Tensor as_rows(const at::Tensor& x) {
  const auto bytes = static_cast<std::int64_t>(x.element_size());
  const bool adjacent = x.stride(3) == 1 && (x.size(2) == 1 || x.stride(2) == x.size(3));
  bool aligned = reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % kAlignment == 0;
  for (const int i : {0, 1}) aligned &= x.size(i) == 1 || x.stride(i) * bytes % kAlignment == 0;
  return adjacent && (aligned || x.is_cpu()) ? x : x.contiguous();
}

/// A tensor [B, S, E] as rows [B, S, 1, E].
at::Tensor token_rows(const char* name, const at::Tensor& x) {
  TORCH_CHECK_VALUE(x.dim() == 3, name, ": expected 3 dimensions [B, S, E], got ", x.dim());
  const at::Tensor rows = as_rows(x.unsqueeze(2));
  check_tensor(name, rows);
  return rows;
}

void check_device(const char* name, const at::Tensor& tensor, const at::Tensor& x) {
  TORCH_CHECK_VALUE(tensor.device() == x.device(), name, ": expected a tensor on ", x.device(),
                    " as x is, got one on ", tensor.device());
}

/// [E], [B, E] or [B, 1, E] float32 with contiguous channels, and the way from sample to sample.
struct SampleRows {
  at::Tensor tensor;
  std::int64_t stride = 0;

  SampleRows(const char* name, const at::Tensor& given, const at::Tensor& x) : tensor(given) {
    check_device(name, given, x);
    TORCH_CHECK_VALUE(given.scalar_type() == at::kFloat, name, ": expected float32, got ",
                      given.scalar_type());
    if (tensor.dim() == 3 && tensor.size(1) == 1) tensor = tensor.select(1, 0);
    if (tensor.dim() == 1) tensor = tensor.unsqueeze(0);
    const bool fits = tensor.dim() == 2 && tensor.size(1) == x.size(-1) &&
                      (tensor.size(0) == 1 || tensor.size(0) == x.size(0));
    TORCH_CHECK_VALUE(fits, name, ": expected sizes [E], [B, E] or [B, 1, E] of B ", x.size(0),
                      " and E ", x.size(-1), ", got ", given.sizes());
    const bool aligned =
        reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % kAlignment == 0 &&
        tensor.stride(0) % 4 == 0;
    if (tensor.stride(1) != 1 || !aligned) tensor = tensor.contiguous();
    stride = tensor.size(0) == 1 ? 0 : tensor.stride(0);
  }
  const float* data() const { return tensor.const_data_ptr<float>(); }
};

/// One part of norm_rotary with the tensors that keep its memory.
struct NormRotaryPart {
  at::Tensor x, weight, rotation, out;

  NormRotaryPart(const at::Tensor& given, const std::optional<at::Tensor>& maybe_weight,
                 const std::optional<at::Tensor>& maybe_rotation) {
    check_tensor("x", given);
    x = as_rows(given);
    out = at::empty(x.sizes(), x.options());
    if (maybe_weight && maybe_weight->defined()) {
      check_device("weight", *maybe_weight, x);
      TORCH_CHECK_VALUE(maybe_weight->dim() == 1 && maybe_weight->numel() == x.size(2) * x.size(3),
                        "weight: expected [", x.size(2) * x.size(3), "], got ",
                        maybe_weight->sizes());
      TORCH_CHECK_VALUE(maybe_weight->scalar_type() == x.scalar_type(), "weight: expected ",
                        x.scalar_type(), " as x is, got ", maybe_weight->scalar_type());
      weight = maybe_weight->contiguous();
    }
    if (maybe_rotation && maybe_rotation->defined()) {
      check_device("rotation", *maybe_rotation, x);
      const std::array<std::int64_t, 2> sizes = {x.size(1), x.size(3) / 2};
      TORCH_CHECK_VALUE(maybe_rotation->scalar_type() == at::kComplexFloat &&
                            maybe_rotation->sizes() == at::IntArrayRef(sizes),
                        "rotation: expected complex64 ", at::IntArrayRef(sizes), ", got ",
                        maybe_rotation->scalar_type(), " ", maybe_rotation->sizes());
      rotation = at::view_as_real(maybe_rotation->contiguous());
    }
  }
  NormRotaryArgs args(double eps) {
    return {.x = view_of(x),
            .maybe_weight = weight.defined() ? weight.const_data_ptr() : nullptr,
            .maybe_rotation = rotation.defined() ? rotation.const_data_ptr<float>() : nullptr,
            .out = mutable_view_of(out),
            .eps = eps};
  }
};

}  // namespace

bool fused_takes(const at::Tensor& x, std::int64_t channels, std::int64_t head_dim) {
  if (!x.is_cuda()) return x.is_cpu();
  const c10::DeviceGuard guard(x.device());
  return head_dim % 8 == 0 && channels % 8 == 0 && channels <= kMostFusedChannels &&
         fused_on_cuda();
}

std::tuple<at::Tensor, at::Tensor> on_device::qk_norm_rotary(
    const at::Tensor& q, const at::Tensor& k, const std::optional<at::Tensor>& q_weight,
    const std::optional<at::Tensor>& k_weight, const std::optional<at::Tensor>& rotation,
    double eps) {
  const c10::DeviceGuard guard(q.device());
  NormRotaryPart first(q, q_weight, rotation), second(k, k_weight, rotation);
  const std::array parts{first.args(eps), second.args(eps)};
  with_torch_errors([&] { radial::norm_rotary(parts, options_for(q)); });
  return {first.out, second.out};
}

at::Tensor on_device::norm_rotary(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                                  const std::optional<at::Tensor>& rotation, double eps) {
  const c10::DeviceGuard guard(x.device());
  NormRotaryPart part(x, weight, rotation);
  const std::array parts{part.args(eps)};
  with_torch_errors([&] { radial::norm_rotary(parts, options_for(x)); });
  return part.out;
}

namespace {

LayerNormArgs layer_norm_args(const at::Tensor& x, const SampleRows& scale, const SampleRows& shift,
                              double eps, double scale_offset, at::Tensor& out) {
  return {.x = view_of(x),
          .scale = scale.data(),
          .shift = shift.data(),
          .scale_stride = scale.stride,
          .shift_stride = shift.stride,
          .scale_offset = scale_offset,
          .out = mutable_view_of(out),
          .eps = eps,
          .maybe_branch = {},
          .sum = {}};
}

}  // namespace

at::Tensor on_device::layer_norm_modulated(const at::Tensor& x_given, const at::Tensor& scale_given,
                                           const at::Tensor& shift_given, double eps,
                                           double scale_offset,
                                           std::optional<at::ScalarType> dtype) {
  const c10::DeviceGuard guard(x_given.device());
  const at::Tensor x = token_rows("x", x_given);
  const SampleRows scale("scale", scale_given, x), shift("shift", shift_given, x);
  at::Tensor out = at::empty(x.sizes(), x.options().dtype(dtype.value_or(at::kFloat)));
  check_tensor("dtype", out);
  const LayerNormArgs args = layer_norm_args(x, scale, shift, eps, scale_offset, out);
  with_torch_errors([&] { radial::layer_norm_modulated(args, options_for(x)); });
  return out.squeeze(2);
}

std::tuple<at::Tensor, at::Tensor> on_device::residual_layer_norm(
    const at::Tensor& x_given, const at::Tensor& branch_given,
    const std::optional<at::Tensor>& gate_given, const at::Tensor& scale_given,
    const at::Tensor& shift_given, double eps, double scale_offset) {
  const c10::DeviceGuard guard(x_given.device());
  const at::Tensor x = token_rows("x", x_given), branch = token_rows("branch", branch_given);
  const SampleRows scale("scale", scale_given, x), shift("shift", shift_given, x);
  std::optional<SampleRows> gate;
  if (gate_given && gate_given->defined()) gate.emplace("gate", *gate_given, x);
  at::Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), branch.options());
  LayerNormArgs args = layer_norm_args(x, scale, shift, eps, scale_offset, out);
  args.maybe_branch = view_of(branch);
  args.maybe_gate = gate ? gate->data() : nullptr;
  args.gate_stride = gate ? gate->stride : 0;
  args.sum = mutable_view_of(sum);
  with_torch_errors([&] { radial::layer_norm_modulated(args, options_for(x)); });
  return {sum.squeeze(2), out.squeeze(2)};
}

at::Tensor on_device::gated_residual(const at::Tensor& x_given, const at::Tensor& branch_given,
                                     const at::Tensor& gate_given) {
  const c10::DeviceGuard guard(x_given.device());
  const at::Tensor x = token_rows("x", x_given), branch = token_rows("branch", branch_given);
  const SampleRows gate("gate", gate_given, x);
  at::Tensor out = at::empty(x.sizes(), x.options());
  const GatedResidualArgs args{.x = view_of(x),
                               .branch = view_of(branch),
                               .gate = gate.data(),
                               .gate_stride = gate.stride,
                               .out = mutable_view_of(out)};
  with_torch_errors([&] { radial::gated_residual(args, options_for(x)); });
  return out.squeeze(2);
}

}  // namespace radial::torch_ops
