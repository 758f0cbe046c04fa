#include "video/nn/attention.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include "radial/attention/attention.h"
#include "radial/base/error.h"

namespace radial::video {
namespace {

DType dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return DType::kFloat32;
    case at::kBFloat16:
      return DType::kBFloat16;
    case at::kHalf:
      return DType::kFloat16;
    case at::kDouble:
      return DType::kFloat64;
    default:
      throw InvalidArgument(concat("attention: expected floats, got ", tensor.dtype()));
  }
}

TensorView view_of(const at::Tensor& tensor) {
  TensorView view{.data = tensor.data_ptr(), .dtype = dtype_of(tensor)};
  for (int d = 0; d < 4; ++d) {
    view.sizes[d] = tensor.size(d);
    view.strides[d] = tensor.stride(d);
  }
  return view;
}

at::Tensor run_plan(const BlockPlan& plan, const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v) {
  RADIAL_REQUIRE(q.is_cpu(), "sparse attention: expected tensors on the CPU, got ", q.device());
  at::Tensor out = at::empty_like(q);
  attention_forward(plan, {.q = as_const(view_of(q)),
                           .k = as_const(view_of(k)),
                           .v = as_const(view_of(v)),
                           .out = view_of(out)});
  return out;
}

}  // namespace

at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
      .transpose(1, 2);
}

AttentionFunction planned_attention(std::shared_ptr<const BlockPlan> plan) {
  return [plan = std::move(plan)](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return run_plan(*plan, q, k, v);
  };
}

}  // namespace radial::video
