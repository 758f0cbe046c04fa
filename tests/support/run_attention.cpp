#include "support/run_attention.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
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

/// Scratch memory on the host of which every byte is 0xff; none for a problem of an even seed.
class HostWorkspace {
 public:
  HostWorkspace(const Problem& problem, std::size_t bytes)
      : bytes_(problem.seed % 2 == 1 ? bytes : 0), memory_(bytes_ + 256, std::byte{0xff}) {}
  Workspace get() {
    void* place = memory_.data();
    std::size_t space = memory_.size();
    if (bytes_ == 0) return {};
    return {std::align(256, bytes_, place, space), bytes_};
  }

 private:
  std::size_t bytes_;
  std::vector<std::byte> memory_;
};

template <typename Statistic>
void run_on_host(const Problem& problem, RunOptions options, Results& results) {
  const std::int32_t* lengths =
      problem.text_lengths.empty() ? nullptr : problem.text_lengths.data();
  std::vector<Statistic> lse(
      static_cast<std::size_t>(problem.batch() * problem.heads * problem.query_tokens()),
      std::numeric_limits<Statistic>::quiet_NaN());
  ForwardArgs forward;
  forward.q = as_const(problem.q.view);
  forward.k = as_const(problem.k.view);
  forward.v = as_const(problem.v.view);
  forward.out = results.out.view;
  forward.maybe_lse = lse.data();
  forward.maybe_text_lengths = lengths;
  forward.scale = problem.scale;
  HostWorkspace forward_workspace(problem, forward_workspace_bytes(problem.plan, forward, options));
  options.workspace = forward_workspace.get();
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
  HostWorkspace backward_workspace(problem,
                                   backward_workspace_bytes(problem.plan, backward, options));
  options.workspace = backward_workspace.get();
  attention_backward(problem.plan, backward, options);
  results.lse.assign(lse.begin(), lse.end());
}

void run_on_host(const Problem& problem, const RunOptions& options, Results& results) {
  if (problem.q.view.dtype == DType::kFloat64) {
    run_on_host<double>(problem, options, results);
  } else {
    run_on_host<float>(problem, options, results);
  }
}

/// The same with every tensor copied to memory with far strides and back.
void run_far_on_host(const Problem& problem, const RunOptions& options, Results& results, Far far) {
  const FarTensor q(problem.q, far), k(problem.k, far), v(problem.v, far), dout(problem.dout, far);
  const FarTensor out(results.out, far), dq(results.dq, far), dk(results.dk, far),
      dv(results.dv, far);
  Problem moved = problem;
  moved.q.view = q.view();
  moved.k.view = k.view();
  moved.v.view = v.view();
  moved.dout.view = dout.view();
  Results there;
  there.out.view = out.view();
  there.dq.view = dq.view();
  there.dk.view = dk.view();
  there.dv.view = dv.view();
  run_on_host(moved, options, there);
  out.copy_back(results.out);
  dq.copy_back(results.dq);
  dk.copy_back(results.dk);
  dv.copy_back(results.dv);
  results.lse = there.lse;
}

}  // namespace

Results run_attention(const Problem& problem, std::string_view implementation,
                      const Manner& manner) {
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
  const auto outputs = {&results.out, &results.dq, &results.dk, &results.dv};
  for (HostTensor* tensor : outputs) poison(*tensor);
  RunOptions options;
  options.implementation = implementation;
  options.num_threads = manner.num_threads;
  if (runs_on_cuda(implementation)) {
    run_on_cuda(bound, options, manner, results);
  } else if (manner.far != Far::kNone) {
    run_far_on_host(bound, options, results, manner.far);
  } else {
    run_on_host(bound, options, results);
  }
  for (const HostTensor* tensor : outputs) expect_gaps_untouched(*tensor);
  return results;
}

bool runs_on_cuda(std::string_view implementation) {
  return find(implementation).device == DeviceType::kCuda;
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
