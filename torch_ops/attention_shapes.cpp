// What fake and meta tensors run: sizes, strides and types of the results, nothing that depends on
// the plan, so that a traced graph serves every plan and every number of tokens.

#include "kernels.h"
#include "tensor_bridge.h"

namespace radial::torch_ops::shapes {

AttentionResult attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  c10::SymInt, std::optional<double>,
                                  const std::optional<at::Tensor>&) {
  check_tensor("q", q);
  check_tensor("k", k);
  check_tensor("v", v);
  return {empty_as(q), empty_lse(q)};
}

Gradients attention_backward(const at::Tensor&, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor&, const at::Tensor&, c10::SymInt,
                             std::optional<double>, const std::optional<at::Tensor>&) {
  return {empty_as(q), empty_as(k), empty_as(v)};
}

AttentionResult merge(const at::Tensor& out_a, const at::Tensor&, const at::Tensor&,
                      const at::Tensor&) {
  check_tensor("out_a", out_a);
  return {empty_as(out_a), empty_lse(out_a)};
}

}  // namespace radial::torch_ops::shapes
