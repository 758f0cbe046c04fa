// Many random problems of every kind, from one seed. RADIAL_RANDOM_SEED and RADIAL_RANDOM_CASES
// choose which and how many; a failure names the seed that shows it alone, with one case.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "support/any_problem.h"
#include "support/error_budget.h"

namespace radial::testing {
namespace {

constexpr std::uint64_t kFirstSeed = 10000, kCases = 20;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return otherwise;
  std::size_t used = 0;
  const std::string value = text;
  const std::uint64_t number = std::stoull(value, &used);
  if (used != value.size()) throw std::invalid_argument(std::string(variable) + ": no number");
  return number;
}

class RandomAttention : public ::testing::TestWithParam<std::string> {};

TEST_P(RandomAttention, StaysWithinTwiceTheErrorOfANaiveRun) {
  const std::uint64_t first = number_from("RADIAL_RANDOM_SEED", kFirstSeed);
  const std::uint64_t cases = number_from("RADIAL_RANDOM_CASES", kCases);
  const ::testing::TestResult& result =
      *::testing::UnitTest::GetInstance()->current_test_info()->result();
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    const Problem problem = any_problem(seed, GetParam());
    SCOPED_TRACE("RADIAL_RANDOM_CASES=1 RADIAL_RANDOM_SEED=" + std::to_string(seed) + ", " +
                 GetParam());
    expect_within_budget(problem, run_attention(problem, GetParam()));
    if (result.total_part_count() >= 20) break;  // enough to see what they share
  }
  std::cout << cases << " cases from seed " << first << "\n";
}

TEST_P(RandomAttention, ReplaysOfACudaGraphGiveTheSameBits) {
  if (!runs_on_cuda(GetParam())) GTEST_SKIP() << GetParam() << " runs on the CPU, without graphs";
  const std::uint64_t first = number_from("RADIAL_RANDOM_SEED", kFirstSeed);
  for (std::uint64_t seed = first; seed < first + 20; ++seed) {
    const Problem problem = any_problem(seed, GetParam());
    SCOPED_TRACE(problem.description);
    const Results once = run_attention(problem, GetParam());
    const Results replayed = run_attention(problem, GetParam(), {.graph = true});
    EXPECT_EQ(replayed.out.memory, once.out.memory);
    EXPECT_EQ(replayed.dq.memory, once.dq.memory);
    EXPECT_EQ(replayed.dk.memory, once.dk.memory);
    EXPECT_EQ(replayed.dv.memory, once.dv.memory);
    EXPECT_TRUE(replayed.lse == once.lse);
    if (HasFailure()) return;
  }
}

/// A problem of two samples and two key heads, so that each dimension can be the far one.
Problem problem_for_far_memory(std::string_view implementation) {
  ProblemRange range;
  for (const DType dtype : {DType::kBFloat16, DType::kFloat64}) {
    range.dtype = dtype;
    range.head_dims = head_dims_of(implementation, dtype);
    if (!range.head_dims.empty()) break;
  }
  range.block_sizes = block_sizes_of(implementation, range.dtype);
  range.min_tokens = 130;
  range.max_heads = 4;
  for (std::uint64_t seed = 1;; ++seed) {
    Problem problem = random_problem(seed, range);
    if (problem.batch() == 2 && problem.key_heads == 2) return problem;
  }
}

TEST_P(RandomAttention, OffsetsBeyond2To31ElementsGiveTheSameBits) {
  const Problem problem = problem_for_far_memory(GetParam());
  SCOPED_TRACE(problem.description);
  const Results near = run_attention(problem, GetParam());
  for (const Far far : {Far::kBatch, Far::kTokens, Far::kHeads}) {
    SCOPED_TRACE(static_cast<int>(far));
    try {
      const Results results = run_attention(problem, GetParam(), {.far = far});
      EXPECT_EQ(results.out.memory, near.out.memory);
      EXPECT_EQ(results.dq.memory, near.dq.memory);
      EXPECT_EQ(results.dk.memory, near.dk.memory);
      EXPECT_EQ(results.dv.memory, near.dv.memory);
      EXPECT_TRUE(results.lse == near.lse);
    } catch (const ShortOfMemory& error) {
      GTEST_SKIP() << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryImplementation, RandomAttention,
                         ::testing::ValuesIn(contract_implementations()),
                         [](const auto& instance) { return instance.param; });

/// A problem of few tokens in which O's rounding is most of the gradient's error.
Problem problem_of_few_tokens(std::uint64_t seed, Inputs inputs) {
  ProblemRange range;
  range.dtype = DType::kBFloat16;
  range.head_dims = {64, 128};
  range.max_tokens = 9;
  range.inputs = inputs;
  range.density = 1;
  return random_problem(seed, range);
}

TEST(ErrorBudget, CoversWhatTheRoundingOfOutDoesToGradients) {
  for (const Inputs inputs : {Inputs::kNormal, Inputs::kLargeLogits, Inputs::kDominant}) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const Problem problem = problem_of_few_tokens(seed, inputs);
      expect_within_budget(problem, run_attention(problem, "cpu"));
      if (HasFailure()) return;
    }
  }
}

TEST(ErrorBudget, NoticesAWrongFactorOfTheGradients) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    ProblemRange range;
    range.dtype = DType::kBFloat16;
    range.head_dims = {64, 128};
    range.min_tokens = 64;
    const Problem problem = random_problem(seed, range);
    const ErrorBudget budget = error_budget(problem);
    const auto difference = [](const HostTensor& gradient) {
      HostTensor wrong = gradient;
      wrong.view.data = wrong.memory.data();
      for (std::size_t i = 0; i < wrong.memory.size() / sizeof(double); ++i) {
        const auto index = static_cast<std::int64_t>(i);
        set(wrong, index, 1.04 * get(gradient, index));
      }
      return max_error(wrong, gradient);
    };
    const double errors[] = {difference(budget.exact.dq), difference(budget.exact.dk),
                             difference(budget.exact.dv)};
    if (errors[0] == 0) continue;  // nothing is seen
    SCOPED_TRACE(problem.description);
    EXPECT_GT(errors[0], budget.dq);
    EXPECT_GT(errors[1], budget.dk);
    EXPECT_GT(errors[2], budget.dv);
  }
}

TEST(AnyProblem, ComesInEveryKindWithinAHundredSeeds) {
  std::set<std::string> kinds;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + 100; ++seed) {
    const Problem problem = any_problem(seed, "reference");
    const BlockPlan& plan = problem.plan;
    kinds.insert(std::string(name_of(problem.q.view.dtype)));
    kinds.insert("block " + std::to_string(plan.block_size()));
    kinds.insert(plan.description() == "custom" ? "random blocks" : "mask");
    if (problem.batch() > 1) kinds.insert("samples");
    if (problem.heads > problem.key_heads && problem.key_heads > 1) kinds.insert("grouped heads");
    if (!plan.head_patterns().empty()) kinds.insert("pattern per head");
    if (!problem.text_lengths.empty()) kinds.insert("text lengths");
    if (plan.query_tokens() != plan.key_tokens()) kinds.insert("Sq other than Sk");
    if (plan.key_tail() < plan.block_size()) kinds.insert("ragged");
    if (plan.query_tokens() < 10) kinds.insert("few tokens");
    if (plan.query_tokens() > 600) kinds.insert("many tokens");
    if (plan.stats().empty_rows > 0) kinds.insert("rows without keys");
    if (problem.scale) kinds.insert("scale");
    if (problem.q.view.strides[1] < problem.q.view.strides[2]) kinds.insert("heads before tokens");
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"float32", "bfloat16", "float16", "float64", "block 64",
                                          "block 128", "random blocks", "mask", "samples",
                                          "grouped heads", "pattern per head", "text lengths",
                                          "Sq other than Sk", "ragged", "few tokens", "many tokens",
                                          "rows without keys", "scale", "heads before tokens"}));
}

/// One line in the log where a GPU's tests are missing.
TEST(RandomAttentionOnCuda, IsRunOrSaysWhyNot) {
  for (const std::string& name : contract_implementations()) {
    if (runs_on_cuda(name)) return;
  }
  GTEST_SKIP() << "no CUDA implementation can run on this machine";
}

}  // namespace
}  // namespace radial::testing
