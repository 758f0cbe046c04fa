// Gradients of the fused operators: computed again by torch's own operators, which autograd knows.

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>
#include <torch/autograd.h>
#include <torch/custom_class.h>

#include <functional>
#include <utility>
#include <vector>

#include "fused_operators.h"

namespace radial::torch_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Results of an operator from its inputs; those that it may lack are undefined or left out.
using Formula = std::function<variable_list(const variable_list&)>;

struct FormulaHolder : torch::CustomClassHolder {
  explicit FormulaHolder(Formula f) : formula(std::move(f)) {}
  Formula formula;
};

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  static variable_list forward(AutogradContext* context, at::TensorList inputs,
                               const Formula& fused, const Formula& composed) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    context->save_for_backward(inputs.vec());
    context->saved_data["composed"] =
        c10::IValue::make_capsule(c10::make_intrusive<FormulaHolder>(composed));
    return fused(inputs.vec());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    TORCH_CHECK_NOT_IMPLEMENTED(!at::GradMode::is_enabled(),
                                "radial: the fused operators have no second derivatives");
    const at::AutoGradMode recording(true);
    variable_list inputs, wanted;
    for (const at::Tensor& saved : context->get_saved_variables()) {
      inputs.push_back(saved.defined() ? saved.detach() : saved);
      if (saved.defined() && saved.requires_grad()) {
        wanted.push_back(inputs.back().requires_grad_());
      }
    }
    const auto holder = c10::static_intrusive_pointer_cast<FormulaHolder>(
        context->saved_data["composed"].toCapsule());
    const variable_list outputs = holder->formula(inputs);
    variable_list reached, given;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined() || !outputs[i].requires_grad()) continue;
      reached.push_back(outputs[i]);
      given.push_back(gradients[i]);
    }
    variable_list found = torch::autograd::grad(reached, wanted, given, /*retain_graph=*/false,
                                                /*create_graph=*/false, /*allow_unused=*/true);
    variable_list result(inputs.size() + 2);  // and nothing for the two formulas
    auto next = found.begin();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].defined() && inputs[i].requires_grad()) result[i] = *next++;
    }
    return result;
  }
};

variable_list run(const variable_list& inputs, const Formula& fused, const Formula& composed) {
  bool wanted = false;
  variable_list given;  // torch's functions take no undefined tensor
  std::vector<bool> is_given;
  for (const at::Tensor& input : inputs) {
    wanted |= input.defined() && input.requires_grad();
    is_given.push_back(input.defined());
    if (input.defined()) given.push_back(input);
  }
  if (!wanted || !at::GradMode::is_enabled()) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return fused(inputs);
  }
  const auto of_all = [is_given](const Formula& formula) -> Formula {
    return [is_given, formula](const variable_list& some) {
      variable_list all;
      auto next = some.begin();
      for (const bool given_here : is_given) all.push_back(given_here ? *next++ : at::Tensor());
      return formula(all);
    };
  };
  return Recomputed::apply(at::TensorList(given), of_all(fused), of_all(composed));
}

std::optional<at::Tensor> maybe(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

at::Tensor composed_norm_rotary(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& rotation, double eps) {
  const at::ScalarType dtype = x.scalar_type();
  at::Tensor y = x;
  if (weight.defined()) {
    const at::Tensor wide = x.flatten(2).to(at::kFloat);
    const at::Tensor inverse = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
    y = ((wide * inverse).to(dtype) * weight).unflatten(-1, {x.size(2), x.size(3)});
  }
  if (!rotation.defined()) return y;
  const at::Tensor pairs =
      at::view_as_complex(y.to(at::kFloat).unflatten(-1, {y.size(-1) / 2, 2}).contiguous());
  return at::view_as_real(pairs * rotation.unsqueeze(1)).flatten(-2).to(dtype);
}

/// [B, E] as [B, 1, E]; [E] and [B, 1, E] as they are.
at::Tensor per_token(const at::Tensor& rows) { return rows.dim() == 2 ? rows.unsqueeze(1) : rows; }

at::Tensor composed_layer_norm(const at::Tensor& x, const at::Tensor& scale,
                               const at::Tensor& shift, double eps, double scale_offset) {
  const at::Tensor normed = at::layer_norm(x, {x.size(-1)}, {}, {}, eps);
  return at::addcmul(per_token(shift), normed, per_token(scale) + scale_offset);
}

at::Tensor composed_residual(const at::Tensor& x, const at::Tensor& branch,
                             const at::Tensor& gate) {
  const at::Tensor wide = branch.to(at::kFloat);
  return gate.defined() ? at::addcmul(x, wide, per_token(gate)) : x + wide;
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> with_autograd::qk_norm_rotary(
    const at::Tensor& q, const at::Tensor& k, const std::optional<at::Tensor>& q_weight,
    const std::optional<at::Tensor>& k_weight, const std::optional<at::Tensor>& rotation,
    double eps) {
  const variable_list results = run(
      {q, k, q_weight.value_or(at::Tensor()), k_weight.value_or(at::Tensor()),
       rotation.value_or(at::Tensor())},
      [eps](const variable_list& in) -> variable_list {
        const auto [first, second] =
            torch_ops::qk_norm_rotary(in[0], in[1], maybe(in[2]), maybe(in[3]), maybe(in[4]), eps);
        return {first, second};
      },
      [eps](const variable_list& in) -> variable_list {
        return {composed_norm_rotary(in[0], in[2], in[4], eps),
                composed_norm_rotary(in[1], in[3], in[4], eps)};
      });
  return {results[0], results[1]};
}

at::Tensor with_autograd::norm_rotary(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                                      const std::optional<at::Tensor>& rotation, double eps) {
  return run(
      {x, weight.value_or(at::Tensor()), rotation.value_or(at::Tensor())},
      [eps](const variable_list& in) -> variable_list {
        return {torch_ops::norm_rotary(in[0], maybe(in[1]), maybe(in[2]), eps)};
      },
      [eps](const variable_list& in) -> variable_list {
        return {composed_norm_rotary(in[0], in[1], in[2], eps)};
      })[0];
}

at::Tensor with_autograd::layer_norm_modulated(const at::Tensor& x, const at::Tensor& scale,
                                               const at::Tensor& shift, double eps,
                                               double scale_offset,
                                               std::optional<at::ScalarType> dtype) {
  return run(
      {x, scale, shift},
      [=](const variable_list& in) -> variable_list {
        return {torch_ops::layer_norm_modulated(in[0], in[1], in[2], eps, scale_offset, dtype)};
      },
      [=](const variable_list& in) -> variable_list {
        return {composed_layer_norm(in[0], in[1], in[2], eps, scale_offset)
                    .to(dtype.value_or(at::kFloat))};
      })[0];
}

std::tuple<at::Tensor, at::Tensor> with_autograd::residual_layer_norm(
    const at::Tensor& x, const at::Tensor& branch, const std::optional<at::Tensor>& gate,
    const at::Tensor& scale, const at::Tensor& shift, double eps, double scale_offset) {
  const variable_list results = run(
      {x, branch, gate.value_or(at::Tensor()), scale, shift},
      [=](const variable_list& in) -> variable_list {
        const auto [sum, normed] = torch_ops::residual_layer_norm(in[0], in[1], maybe(in[2]), in[3],
                                                                  in[4], eps, scale_offset);
        return {sum, normed};
      },
      [=](const variable_list& in) -> variable_list {
        const at::Tensor sum = composed_residual(in[0], in[1], in[2]);
        return {sum,
                composed_layer_norm(sum, in[3], in[4], eps, scale_offset).to(in[1].scalar_type())};
      });
  return {results[0], results[1]};
}

at::Tensor with_autograd::gated_residual(const at::Tensor& x, const at::Tensor& branch,
                                         const at::Tensor& gate) {
  return run(
      {x, branch, gate},
      [](const variable_list& in) -> variable_list {
        return {torch_ops::gated_residual(in[0], in[1], in[2])};
      },
      [](const variable_list& in) -> variable_list {
        return {composed_residual(in[0], in[1], in[2])};
      })[0];
}

}  // namespace radial::torch_ops
