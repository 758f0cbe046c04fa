#pragma once

#include <cmath>
#include <limits>

#include "radial/attention/attention.h"

// The law of merging softmax states over disjoint keys: with lse = log(exp(a) + exp(b)),
// out = exp(a - lse) out_a + exp(b - lse) out_b; a side that saw nothing (-inf) weighs 0.

namespace radial {

void merge_on_cpu(const MergeArgs& args, int num_threads);
/// Throws Unsupported where the library was built without CUDA.
void merge_on_cuda(const MergeArgs& args, Stream stream);

}  // namespace radial
