#include <gtest/gtest.h>

#include <limits>

#include "base/number_types.h"
#include "support/double_problem.h"

namespace radial {
namespace {

using testing::DoubleProblem;

BlockPlan plan_of(const std::vector<std::uint8_t>& blocks) {
  return BlockPlan::from_patterns({pattern_from_dense(blocks, 2, 2)}, {}, 64, 100, 100);
}

TEST(Merge, OfDisjointPlansIsTheUnionPlan) {
  DoubleProblem all({2, 100, 100, 2, 2, 16}, 4);
  DoubleProblem left = all, right = all;
  all.forward(plan_of({1, 1, 1, 0}));
  left.forward(plan_of({1, 0, 0, 0}));
  right.forward(plan_of({0, 1, 1, 0}));
  DoubleProblem joined = all;
  std::ranges::fill(joined.out, 99.0);
  std::ranges::fill(joined.lse, 99.0);
  merge({.out_a = as_const(left.query_view(left.out)),
         .out_b = as_const(right.query_view(right.out)),
         .lse_a = left.lse.data(),
         .lse_b = right.lse.data(),
         .out = joined.query_view(joined.out),
         .lse = joined.lse.data()});
  for (std::size_t i = 0; i < all.out.size(); ++i) ASSERT_NEAR(joined.out[i], all.out[i], 1e-14);
  for (std::size_t i = 0; i < all.lse.size(); ++i) ASSERT_NEAR(joined.lse[i], all.lse[i], 1e-14);
}

TEST(Merge, OfTwoEmptySidesStaysEmptyAndMayWriteOverAnOperand) {
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  std::vector<BFloat16> a(32, from_float<BFloat16>(0)), b = a;
  std::vector<float> lse_a = {kNothing, 1.0f}, lse_b = {kNothing, kNothing};
  for (std::size_t i = 16; i < 32; ++i) a[i] = from_float<BFloat16>(2.5f);
  const auto view = [](std::vector<BFloat16>& data) {
    return contiguous_view<void*>(data.data(), DType::kBFloat16, {1, 2, 1, 16});
  };
  merge({.out_a = as_const(view(a)),
         .out_b = as_const(view(b)),
         .lse_a = lse_a.data(),
         .lse_b = lse_b.data(),
         .out = view(a),
         .lse = lse_a.data()});
  EXPECT_EQ(lse_a[0], kNothing);
  EXPECT_EQ(to_float(a[0]), 0.0f);
  EXPECT_EQ(lse_a[1], 1.0f);
  EXPECT_EQ(to_float(a[31]), 2.5f);
}

}  // namespace
}  // namespace radial
