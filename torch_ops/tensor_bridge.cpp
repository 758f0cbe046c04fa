#include "tensor_bridge.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <array>
#include <memory>

namespace radial::torch_ops {
namespace {

constexpr std::size_t kWorkspaceAlignment = 256;

std::optional<DType> dtype_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return DType::kFloat32;
    case at::kBFloat16:
      return DType::kBFloat16;
    case at::kHalf:
      return DType::kFloat16;
    case at::kDouble:
      return DType::kFloat64;
    default:
      return std::nullopt;
  }
}

Device view_device(const at::Tensor& tensor) {
  if (tensor.is_cuda()) return {DeviceType::kCuda, tensor.get_device()};
  return {DeviceType::kCpu, 0};
}

template <typename Pointer>
BasicTensorView<Pointer> view_at(Pointer data, const at::Tensor& tensor) {
  BasicTensorView<Pointer> view;
  view.data = data;
  view.dtype = *dtype_of(tensor.scalar_type());
  view.device = view_device(tensor);
  for (std::size_t i = 0; i < 4; ++i) {
    view.sizes[i] = tensor.size(static_cast<std::int64_t>(i));
    view.strides[i] = tensor.stride(static_cast<std::int64_t>(i));
  }
  return view;
}

}  // namespace

void check_tensor(std::string_view name, const at::Tensor& tensor) {
  TORCH_CHECK_VALUE(tensor.dim() == 4, name, ": expected 4 dimensions [B, S, H, D], got ",
                    tensor.dim());
  TORCH_CHECK_VALUE(tensor.layout() == at::kStrided, name, ": expected a strided tensor, got ",
                    tensor.layout());
  TORCH_CHECK_NOT_IMPLEMENTED(dtype_of(tensor.scalar_type()), name,
                              ": expected float32, bfloat16, float16 or float64, got ",
                              tensor.scalar_type());
}

ConstTensorView view_of(const at::Tensor& tensor) {
  return view_at<const void*>(tensor.const_data_ptr(), tensor);
}

TensorView mutable_view_of(at::Tensor& tensor) {
  return view_at<void*>(tensor.mutable_data_ptr(), tensor);
}

at::Tensor empty_as(const at::Tensor& like) {
  const auto sizes = like.sym_sizes();
  const bool heads_before_tokens = like.sym_stride(2) > like.sym_stride(1);
  if (!heads_before_tokens) return at::empty_symint(sizes, like.options());
  const std::array<c10::SymInt, 4> bhsd = {sizes[0], sizes[2], sizes[1], sizes[3]};
  return at::empty_symint(bhsd, like.options()).transpose(1, 2);
}

at::Tensor empty_lse(const at::Tensor& q) {
  const std::array<c10::SymInt, 3> sizes = {q.sym_size(0), q.sym_size(2), q.sym_size(1)};
  const auto type = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return at::empty_symint(sizes, q.options().dtype(type));
}

std::optional<at::Tensor> checked_text_lengths(const std::optional<at::Tensor>& text_lengths,
                                               const at::Tensor& q) {
  if (!text_lengths) return std::nullopt;
  const at::Tensor& lengths = *text_lengths;
  TORCH_CHECK_VALUE(lengths.scalar_type() == at::kInt || lengths.scalar_type() == at::kLong,
                    "text_lengths: expected int32 or int64, got ", lengths.scalar_type());
  TORCH_CHECK_VALUE(lengths.dim() == 1 && lengths.size(0) == q.size(0),
                    "text_lengths: expected one length for each of the ", q.size(0),
                    " samples, got sizes ", lengths.sizes());
  TORCH_CHECK_VALUE(lengths.device() == q.device(), "text_lengths: expected a tensor on ",
                    q.device(), " as q is, got one on ", lengths.device());
  return lengths.to(at::kInt).contiguous();
}

RunOptions run_options(const at::Tensor& q, const PlanHandle* plan) {
  RunOptions options;
  options.num_threads = at::get_num_threads();
  if (q.is_cuda()) {
    const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
    options.stream.handle = cuda.getStream(q.device()).native_handle();
  }
  if (plan) options.device_plan = plan->on(q.device());
  return options;
}

ScratchMemory::ScratchMemory(std::size_t bytes, const at::Tensor& q) {
  if (bytes == 0) return;
  // torch aligns CPU memory to 64 bytes only.
  std::size_t space = bytes + kWorkspaceAlignment;
  memory_ = at::empty({static_cast<std::int64_t>(space)}, q.options().dtype(at::kByte));
  void* begin = memory_.mutable_data_ptr();
  workspace_ = {std::align(kWorkspaceAlignment, bytes, begin, space), bytes};
}

}  // namespace radial::torch_ops
