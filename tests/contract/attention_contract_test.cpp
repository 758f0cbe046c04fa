// What every implementation owes, on small random problems: the same tests for each of them that
// this machine can run.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>

#include "radial/attention/implementation.h"
#include "support/error_budget.h"

namespace radial::testing {
namespace {

struct Case {
  std::string implementation;
  DType dtype;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string& name : contract_implementations()) {
    for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
      if (!head_dims_of(name, dtype).empty()) all.push_back({name, dtype});
    }
  }
  return all;
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return info.param.implementation + "_" + std::string(name_of(info.param.dtype));
}

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.implementation << " " << name_of(one.dtype);
}

class AttentionContract : public ::testing::TestWithParam<Case> {
 protected:
  ProblemRange range() const {
    ProblemRange range;
    range.dtype = GetParam().dtype;
    range.head_dims = head_dims_of(GetParam().implementation, GetParam().dtype);
    range.block_sizes = block_sizes_of(GetParam().implementation, GetParam().dtype);
    return range;
  }

  void expect_exact_enough(const ProblemRange& range, std::uint64_t first_seed, int problems) {
    for (int i = 0; i < problems; ++i) {
      const Problem problem = random_problem(first_seed + static_cast<std::uint64_t>(i), range);
      SCOPED_TRACE("implementation " + GetParam().implementation + ", " + problem.description);
      expect_within_budget(problem, run_attention(problem, GetParam().implementation));
      if (HasFailure()) return;
    }
  }
};

TEST_P(AttentionContract, StaysWithinTwiceTheErrorOfANaiveRun) {
  expect_exact_enough(range(), 100, 12);
}

TEST_P(AttentionContract, TakesFewTokens) {
  ProblemRange few = range();
  few.max_tokens = 9;
  few.density = 1;
  expect_exact_enough(few, 200, 12);
}

TEST_P(AttentionContract, WalksLongRunsOfBlocks) {
  ProblemRange wide = range();
  wide.min_tokens = 600;
  wide.max_tokens = 800;
  wide.density = 0.9;
  wide.max_heads = 1;
  const std::int32_t most = std::max(32, wide.head_dims.front());
  std::erase_if(wide.head_dims, [most](std::int32_t head_dim) { return head_dim > most; });
  expect_exact_enough(wide, 400, 2);
  wide.min_tokens = 1100;  // more than the longest step
  wide.max_tokens = 1300;
  expect_exact_enough(wide, 402, 1);
}

TEST_P(AttentionContract, JoinsShortRunsOfBlocks) {
  ProblemRange scattered = range();
  scattered.min_tokens = 700;
  scattered.max_tokens = 800;
  scattered.density = 0.5;
  scattered.max_heads = 1;
  scattered.block_sizes.resize(1);  // the smaller, so that many runs meet in a step
  const std::int32_t most = std::max(32, scattered.head_dims.front());
  std::erase_if(scattered.head_dims, [most](std::int32_t head_dim) { return head_dim > most; });
  expect_exact_enough(scattered, 450, 1);
}

TEST_P(AttentionContract, SharesOutTheKeysOfFewRows) {
  ProblemRange few = range();
  few.min_tokens = 1300;
  few.max_tokens = 1400;
  few.max_heads = 1;
  few.density = 0.95;
  expect_exact_enough(few, GetParam().dtype == DType::kBFloat16 ? 470 : 471, 1);
}

TEST_P(AttentionContract, LeavesRowsWithoutKeysEmpty) {
  ProblemRange sparse = range();
  sparse.density = 0.15;
  expect_exact_enough(sparse, 500, 6);
}

TEST_P(AttentionContract, HoldsForLargeLogits) {
  ProblemRange large = range();
  large.inputs = Inputs::kLargeLogits;
  expect_exact_enough(large, 600, 6);
}

TEST_P(AttentionContract, HoldsForConstantInputs) {
  ProblemRange constant = range();
  constant.inputs = Inputs::kConstant;
  expect_exact_enough(constant, 700, 6);
}

TEST_P(AttentionContract, HoldsForOneDominantKey) {
  ProblemRange dominant = range();
  dominant.inputs = Inputs::kDominant;
  expect_exact_enough(dominant, 800, 6);
}

TEST_P(AttentionContract, RepeatsAndThreadCountsGiveTheSameBits) {
  for (const std::uint64_t seed : {900, 901, 902, 903}) {
    const Problem problem = random_problem(seed, range());
    SCOPED_TRACE(problem.description);
    const Results once = run_attention(problem, GetParam().implementation, {.num_threads = 1});
    for (const int threads : {1, 2, 5}) {
      const Results again =
          run_attention(problem, GetParam().implementation, {.num_threads = threads});
      EXPECT_EQ(again.out.memory, once.out.memory) << threads << " threads";
      EXPECT_EQ(again.lse, once.lse) << threads << " threads";
      EXPECT_EQ(again.dq.memory, once.dq.memory) << threads << " threads";
      EXPECT_EQ(again.dk.memory, once.dk.memory) << threads << " threads";
      EXPECT_EQ(again.dv.memory, once.dv.memory) << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryImplementation, AttentionContract, ::testing::ValuesIn(cases()),
                         case_name);

TEST(Implementations, SayWhyTheyCannotRunHere) {
  for (const ImplementationInfo& info : implementations()) {
    EXPECT_EQ(info.available, info.unavailable.empty()) << info.name;
    if (!info.available) std::cout << "not run: " << info.name << ", " << info.unavailable << "\n";
  }
}

}  // namespace
}  // namespace radial::testing
