#include <ATen/autocast_mode.h>

#include "kernels.h"

namespace radial::torch_ops::with_autocast {
namespace {

template <c10::DeviceType device, c10::DispatchKey key>
AttentionResult attention_cast_to(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  c10::SymInt plan_id, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths) {
  const c10::impl::ExcludeDispatchKeyGuard below_autocast(key);
  const auto type = at::autocast::get_autocast_dtype(device);
  const auto cast = [&](const at::Tensor& x) { return at::autocast::cached_cast(type, x, device); };
  return operators::attention(cast(q), cast(k), cast(v), plan_id, scale, text_lengths);
}

}  // namespace

AttentionResult attention_on_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 c10::SymInt plan_id, std::optional<double> scale,
                                 const std::optional<at::Tensor>& text_lengths) {
  return attention_cast_to<c10::DeviceType::CPU, c10::DispatchKey::AutocastCPU>(
      q, k, v, plan_id, scale, text_lengths);
}

AttentionResult attention_on_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  c10::SymInt plan_id, std::optional<double> scale,
                                  const std::optional<at::Tensor>& text_lengths) {
  return attention_cast_to<c10::DeviceType::CUDA, c10::DispatchKey::AutocastCUDA>(
      q, k, v, plan_id, scale, text_lengths);
}

}  // namespace radial::torch_ops::with_autocast
