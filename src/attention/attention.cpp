#include "radial/attention/attention.h"

#include <cstdlib>
#include <memory>
#include <new>

#include "attention/checks.h"
#include "attention/implementation_list.h"
#include "attention/merge.h"
#include "radial/base/error.h"
#include "radial/base/parallel_for.h"

namespace radial {
namespace {

constexpr std::size_t kWorkspaceAlignment = 256;

struct FreeAligned {
  void operator()(void* memory) const { std::free(memory); }
};

int threads_of(const RunOptions& options, Device device) {
  RADIAL_REQUIRE(options.num_threads >= 0 && options.num_threads <= 4096,
                 "num_threads: expected 0 to 4096, got ", options.num_threads);
  if (options.num_threads > 0) return options.num_threads;
  return device.type == DeviceType::kCpu ? default_num_threads() : 1;  // asking takes a while
}

/// Runs `body` with the caller's workspace, or with memory for this call where a CPU caller gave
/// none.
template <typename Body>
void with_workspace(const AttentionProblem& problem, std::size_t needed, const RunOptions& options,
                    Body&& body) {
  RunContext context{threads_of(options, problem.device), options.stream, options.workspace};
  std::unique_ptr<void, FreeAligned> owned;
  if (needed > 0 && !context.workspace.data && problem.device.type == DeviceType::kCpu) {
    const std::size_t rounded =
        (needed + kWorkspaceAlignment - 1) / kWorkspaceAlignment * kWorkspaceAlignment;
    owned.reset(std::aligned_alloc(kWorkspaceAlignment, rounded));
    if (!owned) throw std::bad_alloc();
    context.workspace = {owned.get(), rounded};
  }
  RADIAL_REQUIRE(needed == 0 || context.workspace.data, "workspace: expected ", needed,
                 " bytes on the device, got none");
  RADIAL_REQUIRE(context.workspace.bytes >= needed, "workspace: expected at least ", needed,
                 " bytes, got ", context.workspace.bytes);
  RADIAL_REQUIRE(
      reinterpret_cast<std::uintptr_t>(context.workspace.data) % kWorkspaceAlignment == 0,
      "workspace: expected memory aligned to ", kWorkspaceAlignment, " bytes");
  body(context);
}

}  // namespace

void attention_forward(const BlockPlan& plan, const ForwardArgs& args, const RunOptions& options) {
  const ForwardParams params = checked_params(plan, args, options);
  const Implementation& chosen = select_implementation(params.problem, options.implementation);
  const std::size_t needed =
      chosen.forward_workspace(params.problem, threads_of(options, params.problem.device));
  with_workspace(params.problem, needed, options,
                 [&](const RunContext& context) { chosen.forward(params, context); });
}

void attention_backward(const BlockPlan& plan, const BackwardArgs& args,
                        const RunOptions& options) {
  const BackwardParams params = checked_params(plan, args, options);
  const Implementation& chosen = select_implementation(params.problem, options.implementation);
  const std::size_t needed =
      chosen.backward_workspace(params.problem, threads_of(options, params.problem.device));
  with_workspace(params.problem, needed, options,
                 [&](const RunContext& context) { chosen.backward(params, context); });
}

std::size_t forward_workspace_bytes(const BlockPlan& plan, const ForwardArgs& args,
                                    const RunOptions& options) {
  const AttentionProblem problem = checked_params(plan, args, options).problem;
  return select_implementation(problem, options.implementation)
      .forward_workspace(problem, threads_of(options, problem.device));
}

std::size_t backward_workspace_bytes(const BlockPlan& plan, const BackwardArgs& args,
                                     const RunOptions& options) {
  const AttentionProblem problem = checked_params(plan, args, options).problem;
  return select_implementation(problem, options.implementation)
      .backward_workspace(problem, threads_of(options, problem.device));
}

std::string chosen_implementation(const BlockPlan& plan, const ForwardArgs& args,
                                  const RunOptions& options) {
  const AttentionProblem problem = checked_params(plan, args, options).problem;
  return std::string(select_implementation(problem, options.implementation).name);
}

void merge(const MergeArgs& args, const RunOptions& options) {
  check_merge(args);
  if (args.out.device.type == DeviceType::kCuda) {
    merge_on_cuda(args, options.stream);
  } else {
    merge_on_cpu(args, threads_of(options, args.out.device));
  }
}

}  // namespace radial
