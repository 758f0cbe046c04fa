#pragma once

#include "support/run_attention.h"

// The one source of tolerance: a result may be twice as far from the exact one as a naive run in
// the element type is, plus what no float32 computation can avoid.

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
