#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <optional>
#include <string_view>

#include "radial/attention/attention.h"
#include "radial/base/error.h"
#include "radial/torch/plan_handle.h"

// Between torch's tensors and the views of libradial.

namespace radial::torch_ops {

/// Runs `body`; libradial's exceptions come out as those that torch turns into ValueError,
/// NotImplementedError and RuntimeError, with the same text.
template <typename Body>
decltype(auto) with_torch_errors(Body&& body) {
  try {
    return body();
  } catch (const InvalidArgument& error) {
    TORCH_CHECK_VALUE(false, error.what());
  } catch (const Unsupported& error) {
    TORCH_CHECK_NOT_IMPLEMENTED(false, error.what());
  } catch (const Error& error) {
    TORCH_CHECK(false, error.what());
  }
}

/// Throws c10::ValueError unless `tensor` has four dimensions and c10::NotImplementedError unless
/// libradial knows its type; `name` is the argument's.
void check_tensor(std::string_view name, const at::Tensor& tensor);

/// Views of a checked tensor [B, S, H, D]; libradial checks sizes, strides and devices.
ConstTensorView view_of(const at::Tensor& tensor);
TensorView mutable_view_of(at::Tensor& tensor);

/// A new tensor of the sizes of `like` [B, S, H, D] in the memory order (BSHD or BHSD) of it.
at::Tensor empty_as(const at::Tensor& like);
/// A new tensor for the log-sum-exp of queries q: [B, H, Sq].
at::Tensor empty_lse(const at::Tensor& q);

/// text_lengths as libradial wants them: [B] int32, contiguous, on the device of q.
std::optional<at::Tensor> checked_text_lengths(const std::optional<at::Tensor>& text_lengths,
                                               const at::Tensor& q);

/// How to run on q's device: torch's threads, torch's current stream, the uploaded plan. A null
/// plan leaves that out.
RunOptions run_options(const at::Tensor& q, const PlanHandle* plan);

/// Scratch memory from torch's allocator on q's device; none for no bytes.
class ScratchMemory {
 public:
  ScratchMemory(std::size_t bytes, const at::Tensor& q);
  Workspace workspace() const { return workspace_; }

 private:
  at::Tensor memory_;
  Workspace workspace_;
};

}  // namespace radial::torch_ops
