// The kernels behind the operators: tensors to views, one call of libradial, nothing else.

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include <array>

#include "kernels.h"
#include "tensor_bridge.h"

namespace radial::torch_ops {
namespace {

const std::int32_t* data_of(const std::optional<at::Tensor>& text_lengths) {
  return text_lengths ? text_lengths->const_data_ptr<std::int32_t>() : nullptr;
}

/// The tensor itself if every kernel takes its strides. Gradients of sums are expanded: strides of
/// 0, which a tensor map of Hopper cannot describe.
at::Tensor without_expansion(const at::Tensor& tensor) {
  bool is_expanded = tensor.stride(3) != 1;
  for (std::int64_t i = 0; i < 3; ++i) {
    is_expanded |= tensor.stride(i) == 0 && tensor.size(i) > 1;
  }
  return is_expanded ? tensor.contiguous() : tensor;
}

ForwardArgs forward_args(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         std::optional<double> scale,
                         const std::optional<at::Tensor>& text_lengths) {
  check_tensor("q", q);
  check_tensor("k", k);
  check_tensor("v", v);
  ForwardArgs args;
  args.q = view_of(q);
  args.k = view_of(k);
  args.v = view_of(v);
  args.maybe_text_lengths = data_of(text_lengths);
  args.scale = scale;
  return args;
}

void check_lse(std::string_view name, const at::Tensor& lse, const at::Tensor& q) {
  const auto type = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const std::array<std::int64_t, 3> sizes = {q.size(0), q.size(2), q.size(1)};
  TORCH_CHECK_VALUE(lse.sizes() == at::IntArrayRef(sizes), name, ": expected sizes [B, H, Sq] ",
                    at::IntArrayRef(sizes), ", got ", lse.sizes());
  TORCH_CHECK_VALUE(lse.scalar_type() == type, name, ": expected ", type, ", got ",
                    lse.scalar_type());
  TORCH_CHECK_VALUE(lse.device() == q.device(), name, ": expected a tensor on ", q.device(),
                    ", got one on ", lse.device());
}

}  // namespace

PlanPtr living_plan(std::int64_t id) {
  PlanPtr plan = PlanHandle::find(id);
  TORCH_CHECK_VALUE(plan, "plan: expected the id of a plan, got ", id,
                    "; if it was one, its Plan object is gone: keep it until the backward has run");
  return plan;
}

AttentionResult on_device::attention_forward(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, std::int64_t plan_id,
                                             std::optional<double> scale,
                                             const std::optional<at::Tensor>& maybe_text_lengths) {
  const c10::DeviceGuard guard(q.device());
  const PlanPtr plan = living_plan(plan_id);
  check_tensor("q", q);
  const auto text_lengths = checked_text_lengths(maybe_text_lengths, q);
  ForwardArgs args = forward_args(q, k, v, scale, text_lengths);
  at::Tensor out = empty_as(q), lse = empty_lse(q);
  args.out = mutable_view_of(out);
  args.maybe_lse = lse.mutable_data_ptr();
  with_torch_errors([&] {
    RunOptions options = run_options(q, plan.get());
    const ScratchMemory scratch(forward_workspace_bytes(plan->plan(), args, options), q);
    options.workspace = scratch.workspace();
    radial::attention_forward(plan->plan(), args, options);
  });
  return {out, lse};
}

Gradients on_device::attention_backward(const at::Tensor& dout_given, const at::Tensor& q,
                                        const at::Tensor& k, const at::Tensor& v,
                                        const at::Tensor& out, const at::Tensor& lse_given,
                                        std::int64_t plan_id, std::optional<double> scale,
                                        const std::optional<at::Tensor>& maybe_text_lengths) {
  const c10::DeviceGuard guard(q.device());
  const PlanPtr plan = living_plan(plan_id);
  check_tensor("q", q);
  check_tensor("k", k);
  check_tensor("v", v);
  check_tensor("out", out);
  check_tensor("dout", dout_given);
  check_lse("lse", lse_given, q);
  const auto text_lengths = checked_text_lengths(maybe_text_lengths, q);
  const at::Tensor dout = without_expansion(dout_given), lse = lse_given.contiguous();
  at::Tensor dq = empty_as(q), dk = empty_as(k), dv = empty_as(v);
  BackwardArgs args;
  args.q = view_of(q);
  args.k = view_of(k);
  args.v = view_of(v);
  args.out = view_of(out);
  args.lse = lse.const_data_ptr();
  args.dout = view_of(dout);
  args.dq = mutable_view_of(dq);
  args.dk = mutable_view_of(dk);
  args.dv = mutable_view_of(dv);
  args.maybe_text_lengths = data_of(text_lengths);
  args.scale = scale;
  with_torch_errors([&] {
    RunOptions options = run_options(q, plan.get());
    const ScratchMemory scratch(backward_workspace_bytes(plan->plan(), args, options), q);
    options.workspace = scratch.workspace();
    radial::attention_backward(plan->plan(), args, options);
  });
  return {dq, dk, dv};
}

AttentionResult on_device::merge(const at::Tensor& out_a, const at::Tensor& lse_a_given,
                                 const at::Tensor& out_b, const at::Tensor& lse_b_given) {
  const c10::DeviceGuard guard(out_a.device());
  check_tensor("out_a", out_a);
  check_tensor("out_b", out_b);
  check_lse("lse_a", lse_a_given, out_a);
  check_lse("lse_b", lse_b_given, out_a);
  const at::Tensor lse_a = lse_a_given.contiguous(), lse_b = lse_b_given.contiguous();
  at::Tensor out = empty_as(out_a), lse = empty_lse(out_a);
  MergeArgs args;
  args.out_a = view_of(out_a);
  args.out_b = view_of(out_b);
  args.lse_a = lse_a.const_data_ptr();
  args.lse_b = lse_b.const_data_ptr();
  args.out = mutable_view_of(out);
  args.lse = lse.mutable_data_ptr();
  with_torch_errors([&] { radial::merge(args, run_options(out_a, nullptr)); });
  return {out, lse};
}

/// Name of the implementation that a forward on these tensors would run.
std::string on_device::chosen_implementation(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, std::int64_t plan_id) {
  const PlanPtr plan = living_plan(plan_id);
  ForwardArgs args = forward_args(q, k, v, {}, {});
  // Nothing is written: the output only has to look right.
  args.out = {const_cast<void*>(args.q.data), args.q.dtype, args.q.device, args.q.sizes,
              args.q.strides};
  return with_torch_errors([&] {
    return radial::chosen_implementation(plan->plan(), args, run_options(q, plan.get()));
  });
}

}  // namespace radial::torch_ops
