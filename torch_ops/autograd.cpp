// Gradients: which operator follows which.

#include <torch/autograd.h>

#include "kernels.h"

namespace radial::torch_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                               const at::Tensor& v, c10::SymInt plan_id,
                               std::optional<double> scale,
                               const std::optional<at::Tensor>& text_lengths) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const auto [out, lse] = operators::attention_forward(q, k, v, plan_id, scale, text_lengths);
    context->save_for_backward({q, k, v, out, lse, text_lengths.value_or(at::Tensor())});
    context->saved_data["plan_id"] = plan_id;
    // The backward needs the plan alive; a traced graph leaves that to its caller.
    const auto id = plan_id.maybe_as_int();
    context->saved_data["plan"] = id ? PlanHandle::find(*id) : PlanPtr();
    context->saved_data["scale"] = scale;
    context->mark_non_differentiable({lse});
    return {out, lse};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto text_lengths = saved[5].defined() ? std::optional(saved[5]) : std::nullopt;
    const auto [dq, dk, dv] = operators::attention_backward(
        gradients[0], saved[0], saved[1], saved[2], saved[3], saved[4],
        context->saved_data["plan_id"].toSymInt(),
        context->saved_data["scale"].toOptional<double>(), text_lengths);
    return {dq, dk, dv, {}, {}, {}};
  }
};

/// The backward as a node of its own, so that a second derivative is refused by name instead of
/// silently being zero.
class BackwardFunction : public torch::autograd::Function<BackwardFunction> {
 public:
  static variable_list forward(AutogradContext*, at::TensorList tensors, c10::SymInt plan_id,
                               std::optional<double> scale,
                               const std::optional<at::Tensor>& text_lengths) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const auto [dq, dk, dv] =
        operators::attention_backward(tensors[0], tensors[1], tensors[2], tensors[3], tensors[4],
                                      tensors[5], plan_id, scale, text_lengths);
    return {dq, dk, dv};
  }

  static variable_list backward(AutogradContext*, const variable_list&) {
    TORCH_CHECK_NOT_IMPLEMENTED(false,
                                "radial::attention: double backward is not implemented (a gradient "
                                "of its gradient was asked for)");
  }
};

/// Whether anything is to be recorded; forward-mode tangents count, so that they are refused.
bool wants_gradients(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const auto asked = [](const at::Tensor& x) {
    return (x.requires_grad() && at::GradMode::is_enabled()) || x._fw_grad(/*level=*/0).defined();
  };
  return asked(q) || asked(k) || asked(v);
}

}  // namespace

AttentionResult with_autograd::attention(const at::Tensor& q, const at::Tensor& k,
                                         const at::Tensor& v, c10::SymInt plan_id,
                                         std::optional<double> scale,
                                         const std::optional<at::Tensor>& text_lengths) {
  if (!wants_gradients(q, k, v)) {  // a node that nobody asks costs more than the call
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return operators::attention_forward(q, k, v, std::move(plan_id), scale, text_lengths);
  }
  const variable_list results = AttentionFunction::apply(q, k, v, plan_id, scale, text_lengths);
  return {results[0], results[1]};
}

Gradients with_autograd::attention_backward(const at::Tensor& dout, const at::Tensor& q,
                                            const at::Tensor& k, const at::Tensor& v,
                                            const at::Tensor& out, const at::Tensor& lse,
                                            c10::SymInt plan_id, std::optional<double> scale,
                                            const std::optional<at::Tensor>& text_lengths) {
  const variable_list tensors = {dout, q, k, v, out, lse};
  const variable_list gradients =
      BackwardFunction::apply(at::TensorList(tensors), plan_id, scale, text_lengths);
  return {gradients[0], gradients[1], gradients[2]};
}

}  // namespace radial::torch_ops
