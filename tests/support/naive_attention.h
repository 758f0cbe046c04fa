#pragma once

#include "support/run_attention.h"

namespace radial::testing {

/// Largest sums of absolute terms: what the rounding errors of float32 sums are relative to.
struct Magnitudes {
  double score = 0;  ///< of the scores, after scaling
  double out = 0, dq = 0, dk = 0, dv = 0;
};

/// Attention as one would write it tensor by tensor: scores, softmax, and each product of forward
/// and backward in turn, every intermediate tensor rounded to the element type, sums and the row
/// statistics lse and delta in float32. As the interface prescribes, the backward gets O only as
/// the forward stored it: delta = dO . O takes over its rounding, of about 2^-9 |dO| |O| in
/// bfloat16, and every dS of the row differs by P times that. A delta from P and dP would hide it:
/// with one heavy key, P = 1, its dS would be exactly 0, which no implementation can reach from a
/// rounded O.
Results naive_attention(const Problem& problem, Magnitudes& magnitudes);

}  // namespace radial::testing
