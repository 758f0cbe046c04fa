#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "radial/attention/attention.h"

namespace radial::testing {

struct ProblemSizes {
  std::int64_t batch, query_tokens, key_tokens, heads, key_heads, dim;
};

/// A small attention problem in float64 with normal inputs, and room for its results.
struct DoubleProblem : ProblemSizes {
  std::vector<double> q, k, v, out, lse, dout, dq, dk, dv;

  DoubleProblem(const ProblemSizes& sizes, unsigned seed) : ProblemSizes(sizes) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    for (auto* tensor : {&q, &dout}) tensor->resize(query_size());
    for (auto* tensor : {&k, &v}) tensor->resize(key_size());
    for (auto* tensor : {&q, &k, &v, &dout}) {
      for (double& value : *tensor) value = normal(random);
    }
    out.assign(query_size(), 99);
    dq.assign(query_size(), 99);
    dk.assign(key_size(), 99);
    dv.assign(key_size(), 99);
    lse.assign(static_cast<std::size_t>(batch * heads * query_tokens), 99);
  }

  std::size_t query_size() const {
    return static_cast<std::size_t>(batch * query_tokens * heads * dim);
  }
  std::size_t key_size() const {
    return static_cast<std::size_t>(batch * key_tokens * key_heads * dim);
  }

  TensorView query_view(std::vector<double>& data) const {
    return contiguous_view<void*>(data.data(), DType::kFloat64, {batch, query_tokens, heads, dim});
  }
  TensorView key_view(std::vector<double>& data) const {
    return contiguous_view<void*>(data.data(), DType::kFloat64,
                                  {batch, key_tokens, key_heads, dim});
  }

  void forward(const BlockPlan& plan, const std::int32_t* maybe_text_lengths = nullptr,
               const RunOptions& run = {}) {
    attention_forward(plan,
                      {.q = as_const(query_view(q)),
                       .k = as_const(key_view(k)),
                       .v = as_const(key_view(v)),
                       .out = query_view(out),
                       .maybe_lse = lse.data(),
                       .maybe_text_lengths = maybe_text_lengths},
                      run);
  }
  void backward(const BlockPlan& plan, const std::int32_t* maybe_text_lengths = nullptr) {
    attention_backward(plan, {.q = as_const(query_view(q)),
                              .k = as_const(key_view(k)),
                              .v = as_const(key_view(v)),
                              .out = as_const(query_view(out)),
                              .lse = lse.data(),
                              .dout = as_const(query_view(dout)),
                              .dq = query_view(dq),
                              .dk = key_view(dk),
                              .dv = key_view(dv),
                              .maybe_text_lengths = maybe_text_lengths});
  }
};

}  // namespace radial::testing
