#include "support/run_on_cuda.h"

#include <span>

#include "attention/cuda/common/device_array.h"
#include "radial/cuda/device_plan.h"

namespace radial::testing {
namespace {

/// A tensor of the host with its copy on the GPU.
class Mirror {
 public:
  explicit Mirror(const HostTensor& tensor)
      : memory_(std::span<const std::byte>(tensor.memory)), view_(tensor.view) {
    view_.data = const_cast<std::byte*>(memory_.data());
    view_.device = {DeviceType::kCuda, 0};
  }
  const TensorView& view() const { return view_; }
  void copy_back(HostTensor& tensor) const {
    RADIAL_CUDA_CHECK(cudaMemcpy(tensor.memory.data(), memory_.data(), tensor.memory.size(),
                                 cudaMemcpyDeviceToHost));
  }

 private:
  DeviceArray<std::byte> memory_;
  TensorView view_;
};

/// Workspace whose every byte is 0xff: NaN to whoever reads before writing.
class PoisonedWorkspace {
 public:
  explicit PoisonedWorkspace(std::size_t bytes)
      : bytes_(bytes), memory_(std::span<const std::byte>(poison(bytes))) {}
  Workspace get() const { return {const_cast<std::byte*>(memory_.data()), bytes_}; }

 private:
  static std::vector<std::byte> poison(std::size_t bytes) {
    return std::vector<std::byte>(bytes, std::byte{0xff});
  }
  std::size_t bytes_;
  DeviceArray<std::byte> memory_;
};

}  // namespace

void run_on_cuda(const Problem& problem, RunOptions options, Results& results) {
  const DevicePlan device_plan(problem.plan, 0);
  options.device_plan = &device_plan;
  const Mirror q(problem.q), k(problem.k), v(problem.v), dout(problem.dout);
  const Mirror out(results.out), dq(results.dq), dk(results.dk), dv(results.dv);
  const DeviceArray<std::int32_t> lengths{std::span<const std::int32_t>(problem.text_lengths)};
  std::vector<float> host_lse(
      static_cast<std::size_t>(problem.batch() * problem.heads * problem.query_tokens()), 99);
  const DeviceArray<float> lse{std::span<const float>(host_lse)};
  float* const lse_data = const_cast<float*>(lse.data());

  ForwardArgs forward;
  forward.q = as_const(q.view());
  forward.k = as_const(k.view());
  forward.v = as_const(v.view());
  forward.out = out.view();
  forward.maybe_lse = lse_data;
  forward.maybe_text_lengths = lengths.data();
  forward.scale = problem.scale;
  const PoisonedWorkspace forward_workspace(
      forward_workspace_bytes(problem.plan, forward, options));
  options.workspace = forward_workspace.get();
  attention_forward(problem.plan, forward, options);

  BackwardArgs backward;
  backward.q = forward.q;
  backward.k = forward.k;
  backward.v = forward.v;
  backward.out = as_const(out.view());
  backward.lse = lse_data;
  backward.dout = as_const(dout.view());
  backward.dq = dq.view();
  backward.dk = dk.view();
  backward.dv = dv.view();
  backward.maybe_text_lengths = lengths.data();
  backward.scale = problem.scale;
  const PoisonedWorkspace backward_workspace(
      backward_workspace_bytes(problem.plan, backward, options));
  options.workspace = backward_workspace.get();
  attention_backward(problem.plan, backward, options);

  out.copy_back(results.out);
  dq.copy_back(results.dq);
  dk.copy_back(results.dk);
  dv.copy_back(results.dv);
  RADIAL_CUDA_CHECK(cudaMemcpy(host_lse.data(), lse.data(), host_lse.size() * sizeof(float),
                               cudaMemcpyDeviceToHost));
  results.lse.assign(host_lse.begin(), host_lse.end());
}

}  // namespace radial::testing
