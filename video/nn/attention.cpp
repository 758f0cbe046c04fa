#include "video/nn/attention.h"

#include <ATen/ops/scaled_dot_product_attention.h>

#include <tuple>

#include "radial/torch/attention_op.h"

namespace radial::video {

at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
      .transpose(1, 2);
}

AttentionFunction planned_attention(torch_ops::PlanPtr plan) {
  return [plan = std::move(plan)](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return std::get<0>(torch_ops::attention(q, k, v, plan));
  };
}

}  // namespace radial::video
