#include <algorithm>
#include <cmath>
#include <vector>

#include "attention/dispatch.h"
#include "attention/reference/reference.h"

namespace radial::reference {
namespace {

/// Gradients in double for one sample: [S, H, D] each.
struct Gradients {
  std::vector<double> dq, dk, dv;
};

template <typename Element>
class SampleBackward {
 public:
  SampleBackward(const BackwardParams& params, std::int64_t b)
      : params_(params), problem_(params.problem), b_(b) {
    const auto head_dim = static_cast<std::size_t>(problem_.head_dim);
    const auto key_size = static_cast<std::size_t>(problem_.key_tokens * problem_.key_heads);
    gradients_.dq.assign(
        static_cast<std::size_t>(problem_.query_tokens * problem_.heads) * head_dim, 0);
    gradients_.dk.assign(key_size * head_dim, 0);
    gradients_.dv.assign(key_size * head_dim, 0);
  }

  void run() {
    for (std::int32_t head = 0; head < problem_.heads; ++head) {
      for (std::int64_t query = 0; query < problem_.query_tokens; ++query) add(head, query);
    }
    store(gradients_.dq, params_.dq, params_.dq_strides, problem_.query_tokens, problem_.heads);
    store(gradients_.dk, params_.dk, params_.dk_strides, problem_.key_tokens, problem_.key_heads);
    store(gradients_.dv, params_.dv, params_.dv_strides, problem_.key_tokens, problem_.key_heads);
  }

 private:
  using Statistic = std::conditional_t<std::is_same_v<Element, double>, double, float>;

  /// What one query gives: with p_j = exp(scale q k_j - lse), dp_j = do v_j and
  /// ds_j = p_j (dp_j - do o):  dq += scale ds_j k_j,  dk_j += scale ds_j q,  dv_j += p_j do.
  void add(std::int32_t head, std::int64_t query) {
    const std::int32_t key_head = problem_.key_head_of(head);
    const Element* q = input(params_.q, params_.q_strides, query, head);
    const Element* dout = input(params_.dout, params_.dout_strides, query, head);
    const Element* out = input(params_.out, params_.out_strides, query, head);
    const double delta = dot(dout, out, problem_.head_dim);
    const auto lse = static_cast<double>(static_cast<const Statistic*>(
        params_.lse)[(b_ * problem_.heads + head) * problem_.query_tokens + query]);
    double* const dq = at(gradients_.dq, query, head, problem_.heads);

    for_each_key(problem_, b_, head, query, [&](std::int64_t key) {
      const Element* k = input(params_.k, params_.k_strides, key, key_head);
      const Element* v = input(params_.v, params_.v_strides, key, key_head);
      const double p = std::exp(problem_.scale * dot(q, k, problem_.head_dim) - lse);
      const double ds = p * (dot(dout, v, problem_.head_dim) - delta);
      double* const dk = at(gradients_.dk, key, key_head, problem_.key_heads);
      double* const dv = at(gradients_.dv, key, key_head, problem_.key_heads);
      for (std::int32_t d = 0; d < problem_.head_dim; ++d) {
        dq[d] += problem_.scale * ds * to_double(k[d]);
        dk[d] += problem_.scale * ds * to_double(q[d]);
        dv[d] += p * to_double(dout[d]);
      }
    });
  }

  const Element* input(const void* data, const Strides& strides, std::int64_t token,
                       std::int32_t head) const {
    return row(static_cast<const Element*>(data), strides, b_, token, head);
  }

  double* at(std::vector<double>& gradient, std::int64_t token, std::int32_t head,
             std::int32_t heads) const {
    return gradient.data() + (token * heads + head) * problem_.head_dim;
  }

  void store(std::vector<double>& gradient, void* data, const Strides& strides, std::int64_t tokens,
             std::int32_t heads) const {
    for (std::int64_t token = 0; token < tokens; ++token) {
      for (std::int32_t head = 0; head < heads; ++head) {
        Element* const to = row(static_cast<Element*>(data), strides, b_, token, head);
        const double* const from = at(gradient, token, head, heads);
        std::transform(from, from + problem_.head_dim, to, from_double<Element>);
      }
    }
  }

  const BackwardParams& params_;
  const AttentionProblem& problem_;
  const std::int64_t b_;
  Gradients gradients_;
};

}  // namespace

void backward(const BackwardParams& params, const RunContext&) {
  with_element(params.problem.dtype, [&]<typename Element>(std::type_identity<Element>) {
    for (std::int64_t b = 0; b < params.problem.batch; ++b) {
      SampleBackward<Element>(params, b).run();
    }
  });
}

}  // namespace radial::reference
