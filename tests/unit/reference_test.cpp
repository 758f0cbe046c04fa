// The reference against the formula written another way, and its gradients against differences.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/double_problem.h"

namespace radial {
namespace {

using testing::DoubleProblem;

/// A plan of three by three blocks of 64 over 150 tokens: row 1 sees nothing, 20 text tokens.
BlockPlan small_plan() {
  const std::vector<std::uint8_t> blocks = {1, 0, 1, 0, 0, 0, 1, 1, 1};
  return BlockPlan::from_patterns({pattern_from_dense(blocks, 3, 3)}, {}, 64, 150, 150, 20);
}

bool sees(std::int64_t query, std::int64_t key, std::int64_t text_length) {
  const bool kept = query / 64 == 2 || (query / 64 == 0 && key / 64 != 1);
  return kept && key < 130 + text_length;
}

/// Weights of one query by softmax over all keys with exact zeros where it sees nothing.
std::vector<double> weights(const DoubleProblem& p, std::int64_t b, std::int64_t head,
                            std::int64_t query, std::int64_t text_length) {
  const std::int64_t key_head = head / (p.heads / p.key_heads);
  std::vector<double> w(static_cast<std::size_t>(p.key_tokens), 0);
  double sum = 0;
  for (std::int64_t key = 0; key < p.key_tokens; ++key) {
    if (!sees(query, key, text_length)) continue;
    double score = 0;
    for (std::int64_t d = 0; d < p.dim; ++d) {
      score += p.q[static_cast<std::size_t>(
                   ((b * p.query_tokens + query) * p.heads + head) * p.dim + d)] *
               p.k[static_cast<std::size_t>(
                   ((b * p.key_tokens + key) * p.key_heads + key_head) * p.dim + d)];
    }
    w[static_cast<std::size_t>(key)] = std::exp(score / std::sqrt(static_cast<double>(p.dim)));
    sum += w[static_cast<std::size_t>(key)];
  }
  for (double& value : w) value = sum > 0 ? value / sum : 0;
  return w;
}

TEST(Reference, EqualsSoftmaxOverTheVisibleKeys) {
  DoubleProblem p({2, 150, 150, 4, 2, 16}, 1);
  const std::int32_t lengths[] = {20, 3};
  p.forward(small_plan(), lengths);
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t head = 0; head < 4; ++head) {
      for (std::int64_t query = 0; query < 150; query += 7) {
        const auto w = weights(p, b, head, query, lengths[b]);
        for (std::int64_t d = 0; d < p.dim; ++d) {
          double expected = 0;
          for (std::int64_t key = 0; key < 150; ++key) {
            expected += w[static_cast<std::size_t>(key)] *
                        p.v[static_cast<std::size_t>(((b * 150 + key) * 2 + head / 2) * p.dim + d)];
          }
          ASSERT_NEAR(p.out[static_cast<std::size_t>(((b * 150 + query) * 4 + head) * p.dim + d)],
                      expected, 1e-13);
        }
      }
    }
  }
}

TEST(Reference, GivesZeroAndMinusInfinityToARowThatSeesNothing) {
  DoubleProblem p({1, 150, 150, 1, 1, 16}, 2);
  p.forward(small_plan());
  for (std::size_t query = 64; query < 128; ++query) {
    EXPECT_EQ(p.lse[query], -std::numeric_limits<double>::infinity());
    EXPECT_EQ(p.out[query * 16], 0);
  }
  p.backward(small_plan());
  EXPECT_EQ(p.dq[64 * 16], 0);
}

TEST(Reference, GradientsAgreeWithCentralDifferences) {
  DoubleProblem p({1, 150, 150, 2, 1, 16}, 3);
  const std::int32_t lengths[] = {5};
  const BlockPlan plan = small_plan();
  p.forward(plan, lengths);
  p.backward(plan, lengths);
  const auto loss = [&] {
    DoubleProblem probe = p;
    probe.forward(plan, lengths);
    double sum = 0;
    for (std::size_t i = 0; i < probe.out.size(); ++i) sum += probe.out[i] * p.dout[i];
    return sum;
  };
  const auto check = [&](std::vector<double>& input, const std::vector<double>& gradient) {
    constexpr double kStep = 1e-5;
    for (std::size_t i = 3; i < input.size(); i += input.size() / 23) {
      const double kept = input[i];
      input[i] = kept + kStep;
      const double above = loss();
      input[i] = kept - kStep;
      const double below = loss();
      input[i] = kept;
      EXPECT_NEAR((above - below) / (2 * kStep), gradient[i], 1e-8) << i;
    }
  };
  check(p.q, p.dq);
  check(p.k, p.dk);
  check(p.v, p.dv);
}

}  // namespace
}  // namespace radial
