#include "support/run_attention.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "attention/implementation_list.h"
#include "radial/attention/implementation.h"
#include "support/run_on_cuda.h"

namespace radial::testing {
namespace {

const Implementation& find(std::string_view name) {
  for (const Implementation& implementation : implementation_list()) {
    if (implementation.name == name) return implementation;
  }
  throw std::invalid_argument("no implementation " + std::string(name));
}

/// Every byte between the rows of `tensor` is as make_tensor left it.
void expect_gaps_untouched(const HostTensor& tensor) {
  std::vector<bool> used(tensor.memory.size(), false);
  const auto& sizes = tensor.view.sizes;
  const auto bytes = static_cast<std::int64_t>(size_of(tensor.view.dtype));
  for (std::int64_t b = 0; b < sizes[0]; ++b) {
    for (std::int64_t token = 0; token < sizes[1]; ++token) {
      for (std::int64_t head = 0; head < sizes[2]; ++head) {
        const auto begin = used.begin() + tensor.place(b, token, head) * bytes;
        std::fill(begin, begin + sizes[3] * bytes, true);
      }
    }
  }
  std::size_t touched = 0;
  for (std::size_t i = 0; i < used.size(); ++i) {
    touched += !used[i] && tensor.memory[i] != std::byte{0xa5};
  }
  EXPECT_EQ(touched, 0u) << "bytes outside the tensor were written";
}

template <typename Statistic>
void run_on_host(const Problem& problem, const RunOptions& options, Results& results) {
  const std::int32_t* lengths =
      problem.text_lengths.empty() ? nullptr : problem.text_lengths.data();
  std::vector<Statistic> lse(
      static_cast<std::size_t>(problem.batch() * problem.heads * problem.query_tokens()));
  ForwardArgs forward;
  forward.q = as_const(problem.q.view);
  forward.k = as_const(problem.k.view);
  forward.v = as_const(problem.v.view);
  forward.out = results.out.view;
  forward.maybe_lse = lse.data();
  forward.maybe_text_lengths = lengths;
  forward.scale = problem.scale;
  attention_forward(problem.plan, forward, options);

  BackwardArgs backward;
  backward.q = forward.q;
  backward.k = forward.k;
  backward.v = forward.v;
  backward.out = as_const(results.out.view);
  backward.lse = lse.data();
  backward.dout = as_const(problem.dout.view);
  backward.dq = results.dq.view;
  backward.dk = results.dk.view;
  backward.dv = results.dv.view;
  backward.maybe_text_lengths = lengths;
  backward.scale = problem.scale;
  attention_backward(problem.plan, backward, options);
  results.lse.assign(lse.begin(), lse.end());
}

}  // namespace

Results run_attention(const Problem& problem, std::string_view implementation, int num_threads) {
  Problem bound = problem;
  for (HostTensor* tensor : {&bound.q, &bound.k, &bound.v, &bound.dout}) {
    tensor->view.data = tensor->memory.data();
  }
  const DType dtype = problem.q.view.dtype;
  Results results;
  results.out = make_tensor(dtype, problem.q.view.sizes, Memory::kGaps);
  results.dq = make_tensor(dtype, problem.q.view.sizes, Memory::kGaps);
  results.dk = make_tensor(dtype, problem.k.view.sizes, Memory::kGaps);
  results.dv = make_tensor(dtype, problem.k.view.sizes, Memory::kGaps);
  RunOptions options;
  options.implementation = implementation;
  options.num_threads = num_threads;
  if (find(implementation).device == DeviceType::kCuda) {
    run_on_cuda(bound, options, results);
  } else if (dtype == DType::kFloat64) {
    run_on_host<double>(bound, options, results);
  } else {
    run_on_host<float>(bound, options, results);
  }
  for (const HostTensor* tensor : {&results.out, &results.dq, &results.dk, &results.dv}) {
    expect_gaps_untouched(*tensor);
  }
  return results;
}

std::vector<std::string> contract_implementations() {
  std::vector<std::string> names;
  for (const ImplementationInfo& info : implementations()) {
    if (info.available) names.emplace_back(info.name);
  }
  return names;
}

namespace {

bool takes(std::string_view implementation, DType dtype, std::int32_t head_dim,
           std::int32_t block_size) {
  const BlockPlan plan =
      BlockPlan::from_patterns({pattern_from_dense(std::vector<std::uint8_t>{1}, 1, 1)}, {},
                               block_size, block_size, block_size);
  AttentionProblem problem;
  problem.dtype = dtype;
  problem.device.type = find(implementation).device;
  problem.batch = 1;
  problem.query_tokens = problem.key_tokens = block_size;
  problem.heads = problem.key_heads = 1;
  problem.head_dim = head_dim;
  problem.scale = 1;
  problem.plan = &plan;
  return find(implementation).declines(problem).empty();
}

}  // namespace

std::vector<std::int32_t> head_dims_of(std::string_view implementation, DType dtype) {
  std::vector<std::int32_t> head_dims;
  for (const std::int32_t head_dim : {16, 32, 48, 64, 80, 112, 128, 144, 192, 240, 256}) {
    if (takes(implementation, dtype, head_dim, 128)) head_dims.push_back(head_dim);
  }
  return head_dims;
}

std::vector<std::int32_t> block_sizes_of(std::string_view implementation, DType dtype) {
  std::vector<std::int32_t> block_sizes;
  for (const std::int32_t block_size : {64, 128}) {
    const std::vector<std::int32_t> head_dims = head_dims_of(implementation, dtype);
    if (!head_dims.empty() && takes(implementation, dtype, head_dims.front(), block_size)) {
      block_sizes.push_back(block_size);
    }
  }
  return block_sizes;
}

}  // namespace radial::testing
