#pragma once

#include "support/run_attention.h"

namespace radial::testing {

/// Largest sums of absolute terms: what the rounding errors of float32 sums are relative to.
struct Magnitudes {
  double score = 0;  ///< of the scores, after scaling
  double out = 0, dq = 0, dk = 0, dv = 0;
};

/// Attention as one would write it tensor by tensor: scores, softmax, and each product of forward
/// and backward in turn, every intermediate rounded to the element type, sums in float32.
Results naive_attention(const Problem& problem, Magnitudes& magnitudes);

}  // namespace radial::testing
