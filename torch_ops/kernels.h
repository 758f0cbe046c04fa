#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/SymInt.h>

#include <optional>
#include <string>
#include <tuple>

#include "radial/torch/attention_op.h"

// What library.cpp registers for each operator under each dispatch key. The arguments are those of
// attention_op.h, but for the plan, which an operator gets by its id: a number under CPU and CUDA,
// possibly a symbol of torch.compile elsewhere.

namespace radial::torch_ops {

/// The plan of that id; throws c10::ValueError if no such plan lives.
PlanPtr living_plan(std::int64_t id);

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

namespace on_device {  // CPU and CUDA: attention_kernels.cpp

AttentionResult attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  std::int64_t plan_id, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths);
Gradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse,
                             std::int64_t plan_id, std::optional<double> scale,
                             const std::optional<at::Tensor>& text_lengths);
AttentionResult merge(const at::Tensor& out_a, const at::Tensor& lse_a, const at::Tensor& out_b,
                      const at::Tensor& lse_b);
std::string chosen_implementation(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  std::int64_t plan_id);

}  // namespace on_device

namespace shapes {  // fake and meta tensors: attention_shapes.cpp

AttentionResult attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  c10::SymInt plan_id, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths);
Gradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse,
                             c10::SymInt plan_id, std::optional<double> scale,
                             const std::optional<at::Tensor>& text_lengths);
AttentionResult merge(const at::Tensor& out_a, const at::Tensor& lse_a, const at::Tensor& out_b,
                      const at::Tensor& lse_b);

}  // namespace shapes

namespace operators {  // calls through torch's dispatcher: attention_op.cpp

AttentionResult attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          c10::SymInt plan_id, std::optional<double> scale,
                          const std::optional<at::Tensor>& text_lengths);
AttentionResult attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  c10::SymInt plan_id, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths);
Gradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse,
                             c10::SymInt plan_id, std::optional<double> scale,
                             const std::optional<at::Tensor>& text_lengths);

}  // namespace operators

namespace with_autograd {  // autograd.cpp

AttentionResult attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          c10::SymInt plan_id, std::optional<double> scale,
                          const std::optional<at::Tensor>& text_lengths);
Gradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse,
                             c10::SymInt plan_id, std::optional<double> scale,
                             const std::optional<at::Tensor>& text_lengths);

}  // namespace with_autograd

namespace with_autocast {  // autocast.cpp

AttentionResult attention_on_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 c10::SymInt plan_id, std::optional<double> scale,
                                 const std::optional<at::Tensor>& text_lengths);
AttentionResult attention_on_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  c10::SymInt plan_id, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths);

}  // namespace with_autocast

}  // namespace radial::torch_ops
