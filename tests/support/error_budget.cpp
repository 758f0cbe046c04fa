#include "support/error_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/naive_attention.h"

namespace radial::testing {
namespace {

constexpr double kFloatRounding = 0x1p-24;

/// Half the distance of neighbouring elements of the type, relative to their size.
double rounding_of(DType dtype) {
  switch (dtype) {
    case DType::kBFloat16:
      return 0x1p-8;
    case DType::kFloat16:
      return 0x1p-11;
    case DType::kFloat32:
      return kFloatRounding;
    case DType::kFloat64:
      break;
  }
  return 0x1p-53;
}

double distance(double result, double exact) {
  if (result == exact) return 0;
  const double difference = std::abs(result - exact);
  return std::isfinite(difference) ? difference : std::numeric_limits<double>::infinity();
}

double largest(const HostTensor& tensor) {
  double most = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(tensor.memory.size() / sizeof(double));
       ++i) {
    most = std::max(most, std::abs(get(tensor, i)));
  }
  return most;
}

}  // namespace

double max_error(const std::vector<double>& result, const std::vector<double>& exact) {
  double most = 0;
  for (std::size_t i = 0; i < exact.size(); ++i)
    most = std::max(most, distance(result[i], exact[i]));
  return most;
}

double max_error(const HostTensor& result, const HostTensor& exact) {
  const auto& sizes = exact.view.sizes;
  double most = 0;
  for (std::int64_t b = 0; b < sizes[0]; ++b) {
    for (std::int64_t token = 0; token < sizes[1]; ++token) {
      for (std::int64_t head = 0; head < sizes[2]; ++head) {
        for (std::int64_t d = 0; d < sizes[3]; ++d) {
          most = std::max(most, distance(get(result, result.place(b, token, head) + d),
                                         get(exact, exact.place(b, token, head) + d)));
        }
      }
    }
  }
  return most;
}

ErrorBudget error_budget(const Problem& problem) {
  ErrorBudget budget;
  const Results exact = run_attention(in_double(problem), "reference");
  budget.exact = exact;
  for (HostTensor* tensor :
       {&budget.exact.out, &budget.exact.dq, &budget.exact.dk, &budget.exact.dv}) {
    *tensor = converted(*tensor, DType::kFloat64);  // without gaps
  }
  Magnitudes magnitudes;
  const Results naive = naive_attention(problem, magnitudes);
  const bool is_short = size_of(problem.q.view.dtype) == 2;
  const Results stored = is_short ? run_attention(problem, "reference") : naive;
  const double rounding = rounding_of(problem.q.view.dtype);
  // A score is off by roundings of the size of its terms, which its exponential makes relative.
  const double relative = 4 * kFloatRounding * (1 + magnitudes.score);
  const auto allowed = [&](HostTensor Results::*part, double mass) {
    const HostTensor& truth = budget.exact.*part;
    const double error = std::max(max_error(naive.*part, truth), max_error(stored.*part, truth));
    return 2 * error + rounding * largest(truth) + relative * mass;
  };
  budget.out = allowed(&Results::out, magnitudes.out);
  budget.dq = allowed(&Results::dq, magnitudes.dq);
  budget.dk = allowed(&Results::dk, magnitudes.dk);
  budget.dv = allowed(&Results::dv, magnitudes.dv);
  budget.lse = 2 * max_error(naive.lse, exact.lse) + relative;
  return budget;
}

void expect_within_budget(const Problem& problem, const Results& results) {
  const ErrorBudget budget = error_budget(problem);
  EXPECT_LE(max_error(results.out, budget.exact.out), budget.out) << "out; " << problem.description;
  EXPECT_LE(max_error(results.lse, budget.exact.lse), budget.lse) << "lse; " << problem.description;
  EXPECT_LE(max_error(results.dq, budget.exact.dq), budget.dq) << "dq; " << problem.description;
  EXPECT_LE(max_error(results.dk, budget.exact.dk), budget.dk) << "dk; " << problem.description;
  EXPECT_LE(max_error(results.dv, budget.exact.dv), budget.dv) << "dv; " << problem.description;
}

}  // namespace radial::testing
