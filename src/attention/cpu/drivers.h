#pragma once

#include "attention/cpu/kernels.h"
#include "attention/params.h"

// Attention on CPUs: the plan is walked here, the same way for every instruction set.

namespace radial::cpu {

std::size_t forward_workspace(const Kernels& kernels, const AttentionProblem& problem,
                              int num_threads);
void forward(const Kernels& kernels, const ForwardParams& params, const RunContext& context);

std::size_t backward_workspace(const Kernels& kernels, const AttentionProblem& problem,
                               int num_threads);
void backward(const Kernels& kernels, const BackwardParams& params, const RunContext& context);

}  // namespace radial::cpu
