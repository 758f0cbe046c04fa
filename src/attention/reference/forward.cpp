#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attention/dispatch.h"
#include "attention/reference/reference.h"

namespace radial::reference {
namespace {

/// out = sum_j p_j v_j with p = softmax(scale * q k_j) over the keys of one query.
template <typename Element>
void attend(const ForwardParams& params, std::int64_t b, std::int32_t head, std::int64_t query) {
  const AttentionProblem& problem = params.problem;
  const std::int32_t key_head = problem.key_head_of(head);
  const auto q = row(static_cast<const Element*>(params.q), params.q_strides, b, query, head);
  const auto k = [&](std::int64_t key) {
    return row(static_cast<const Element*>(params.k), params.k_strides, b, key, key_head);
  };
  const auto v = [&](std::int64_t key) {
    return row(static_cast<const Element*>(params.v), params.v_strides, b, key, key_head);
  };

  std::vector<double> scores;
  double largest = -std::numeric_limits<double>::infinity();
  for_each_key(problem, b, head, query, [&](std::int64_t key) {
    scores.push_back(problem.scale * dot(q, k(key), problem.head_dim));
    largest = std::max(largest, scores.back());
  });

  double sum = 0;
  std::vector<double> weighted(static_cast<std::size_t>(problem.head_dim), 0);
  std::size_t i = 0;
  for_each_key(problem, b, head, query, [&](std::int64_t key) {
    const double p = std::exp(scores[i++] - largest);
    sum += p;
    for (std::size_t d = 0; d < weighted.size(); ++d) weighted[d] += p * to_double(v(key)[d]);
  });

  Element* const out = row(static_cast<Element*>(params.out), params.out_strides, b, query, head);
  for (std::size_t d = 0; d < weighted.size(); ++d) {
    out[d] = from_double<Element>(scores.empty() ? 0 : weighted[d] / sum);
  }
  if (params.maybe_lse) {
    using Statistic = std::conditional_t<std::is_same_v<Element, double>, double, float>;
    const std::int64_t place = (b * problem.heads + head) * problem.query_tokens + query;
    static_cast<Statistic*>(params.maybe_lse)[place] = static_cast<Statistic>(
        scores.empty() ? -std::numeric_limits<double>::infinity() : largest + std::log(sum));
  }
}

}  // namespace

void forward(const ForwardParams& params, const RunContext&) {
  with_element(params.problem.dtype, [&]<typename Element>(std::type_identity<Element>) {
    for (std::int64_t b = 0; b < params.problem.batch; ++b) {
      for (std::int32_t head = 0; head < params.problem.heads; ++head) {
        for (std::int64_t query = 0; query < params.problem.query_tokens; ++query) {
          attend<Element>(params, b, head, query);
        }
      }
    }
  });
}

}  // namespace radial::reference
