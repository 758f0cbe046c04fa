#pragma once

#include "support/run_attention.h"

// The one source of tolerance: a result may be twice as far from the exact one as a naive run in
// the element type is, plus what no float32 computation can avoid.
//
// In 16 bits the naive run is the worse of two. One rounds every intermediate tensor
// (naive_attention.h). The other is exact but for what the interface rounds: its backward knows O
// only as the forward stored it. The error e = dO . (round(O) - O) of delta reaches dq whole, as
// e c sum_n P_n k_n, while the first run's errors of P and dP are multiplied by P (1 - P) and so
// may nearly vanish: of few rows, or rows with one heavy key, its largest error says too little.

namespace radial::testing {

/// Exact results, and how far from them a result may be (largest absolute difference).
struct ErrorBudget {
  Results exact;  // in double
  double out = 0, lse = 0, dq = 0, dk = 0, dv = 0;
};

ErrorBudget error_budget(const Problem& problem);

/// Largest absolute difference; NaN differs from everything, infinities must be equal.
double max_error(const HostTensor& result, const HostTensor& exact);
double max_error(const std::vector<double>& result, const std::vector<double>& exact);

/// Every part of `results` is within its budget.
void expect_within_budget(const Problem& problem, const Results& results);

}  // namespace radial::testing
