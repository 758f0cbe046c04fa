#include "video/nn/recompute.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/autograd.h>
#include <torch/custom_class.h>

namespace radial::video {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct FunctionHolder : torch::CustomClassHolder {
  explicit FunctionHolder(TensorFunction f) : function(std::move(f)) {}
  TensorFunction function;
};

class Recompute : public torch::autograd::Function<Recompute> {
 public:
  // `anchor` wants a gradient, so that the results do, whatever the inputs are.
  static variable_list forward(AutogradContext* context, const at::Tensor& anchor,
                               at::TensorList inputs, const TensorFunction& function) {
    static_cast<void>(anchor);
    context->save_for_backward(inputs.vec());
    context->saved_data["function"] =
        c10::IValue::make_capsule(c10::make_intrusive<FunctionHolder>(function));
    return function(inputs.vec());  // torch records nothing in here
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::AutoGradMode recording(true);
    variable_list inputs;
    for (const at::Tensor& saved : context->get_saved_variables()) {
      inputs.push_back(saved.detach().requires_grad_(saved.requires_grad()));
    }
    const auto holder = c10::static_intrusive_pointer_cast<FunctionHolder>(
        context->saved_data["function"].toCapsule());
    const variable_list outputs = holder->function(inputs);
    variable_list reached, given;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined() || !outputs[i].requires_grad()) continue;
      reached.push_back(outputs[i]);
      given.push_back(gradients[i]);
    }
    torch::autograd::backward(reached, given);
    variable_list result(inputs.size() + 2);  // one for the anchor, one for the function
    for (std::size_t i = 0; i < inputs.size(); ++i) result[i + 1] = inputs[i].grad();
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> recomputed(const TensorFunction& function,
                                   const std::vector<at::Tensor>& inputs) {
  if (!at::GradMode::is_enabled()) return function(inputs);
  return Recompute::apply(at::zeros({}).requires_grad_(), at::TensorList(inputs), function);
}

}  // namespace radial::video
