#pragma once

#include "attention/params.h"

namespace radial::reference {

void forward(const ForwardParams& params, const RunContext& context);
void backward(const BackwardParams& params, const RunContext& context);

/// Calls `body(key)` for every key token that query token `query` of head `head` and sample `b`
/// attends to, ascending.
template <typename Body>
void for_each_key(const AttentionProblem& problem, std::int64_t b, std::int32_t head,
                  std::int64_t query, Body&& body) {
  const BlockPlan& plan = *problem.plan;
  const std::int64_t block_size = plan.block_size();
  const std::int64_t end_of_keys = problem.valid_keys(b);
  for (const BlockRun& run :
       plan.pattern(head).row_runs(static_cast<std::int32_t>(query / block_size))) {
    const std::int64_t begin = run.begin * block_size;
    const std::int64_t end = std::min(end_of_keys, begin + run.length * block_size);
    for (std::int64_t key = begin; key < end; ++key) body(key);
  }
}

/// Row [D] of a tensor [B, S, H, D].
template <typename Element>
Element* row(Element* data, const Strides& strides, std::int64_t b, std::int64_t token,
             std::int32_t head) {
  return data + b * strides.batch + token * strides.token + head * strides.head;
}

template <typename Element>
double dot(const Element* x, const Element* y, std::int32_t size) {
  double sum = 0;
  for (std::int32_t i = 0; i < size; ++i) sum += to_double(x[i]) * to_double(y[i]);
  return sum;
}

}  // namespace radial::reference
