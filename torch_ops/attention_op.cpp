// The operators as C++ functions: each is a call through torch's dispatcher.

#include "radial/torch/attention_op.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include "kernels.h"

namespace radial::torch_ops {
namespace {

/// The operator `name`, with the types of `Function`.
template <typename Function>
auto typed_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Function>();
}

}  // namespace

AttentionResult operators::attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     c10::SymInt plan_id, std::optional<double> scale,
                                     const std::optional<at::Tensor>& text_lengths) {
  static const auto found = typed_operator<decltype(operators::attention)>("radial::attention");
  return found.call(q, k, v, std::move(plan_id), scale, text_lengths);
}

AttentionResult operators::attention_forward(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, c10::SymInt plan_id,
                                             std::optional<double> scale,
                                             const std::optional<at::Tensor>& text_lengths) {
  static const auto found =
      typed_operator<decltype(operators::attention_forward)>("radial::attention_forward");
  return found.call(q, k, v, std::move(plan_id), scale, text_lengths);
}

Gradients operators::attention_backward(const at::Tensor& dout, const at::Tensor& q,
                                        const at::Tensor& k, const at::Tensor& v,
                                        const at::Tensor& out, const at::Tensor& lse,
                                        c10::SymInt plan_id, std::optional<double> scale,
                                        const std::optional<at::Tensor>& text_lengths) {
  static const auto found =
      typed_operator<decltype(operators::attention_backward)>("radial::attention_backward");
  return found.call(dout, q, k, v, out, lse, std::move(plan_id), scale, text_lengths);
}

AttentionResult attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const PlanPtr& plan, std::optional<double> scale,
                          const std::optional<at::Tensor>& text_lengths) {
  return operators::attention(q, k, v, plan->id(), scale, text_lengths);
}

AttentionResult attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  const PlanPtr& plan, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths) {
  return operators::attention_forward(q, k, v, plan->id(), scale, text_lengths);
}

Gradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse,
                             const PlanPtr& plan, std::optional<double> scale,
                             const std::optional<at::Tensor>& text_lengths) {
  return operators::attention_backward(dout, q, k, v, out, lse, plan->id(), scale, text_lengths);
}

AttentionResult merge(const at::Tensor& out_a, const at::Tensor& lse_a, const at::Tensor& out_b,
                      const at::Tensor& lse_b) {
  static const auto found = typed_operator<decltype(merge)>("radial::merge");
  return found.call(out_a, lse_a, out_b, lse_b);
}

}  // namespace radial::torch_ops
