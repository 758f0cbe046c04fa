#include <cstdlib>
#include <string>
#include <vector>

#include "handles.h"
#include "radial/attention/implementation.h"
#include "support/double_problem.h"

namespace radial::testing {
namespace {

constexpr ProblemSizes kSizes{2, 3 * 8 * 9 + 6, 3 * 8 * 9 + 6, 4, 2, 16};
const VideoLayout kLayout{.frames = 3, .grid_h = 8, .grid_w = 9, .text_tokens = 6};
constexpr std::int32_t kTextLengths[2] = {4, 0};

PlanHandle made_plan() {
  radial_layout layout = layout_of(3, 8, 9);
  layout.text_tokens = 6;
  radial_mask_options options = radial_mask_options_init();
  options.block_size = 64;
  return make_plan(layout, &options);
}

radial_tensor query_tensor(std::vector<double>& data) {
  return radial_contiguous(data.data(), RADIAL_FLOAT64, kSizes.batch, kSizes.query_tokens,
                           kSizes.heads, kSizes.dim);
}
radial_tensor key_tensor(std::vector<double>& data) {
  return radial_contiguous(data.data(), RADIAL_FLOAT64, kSizes.batch, kSizes.key_tokens,
                           kSizes.key_heads, kSizes.dim);
}

radial_forward_args forward_args(DoubleProblem& problem) {
  radial_forward_args args = radial_forward_args_init();
  args.q = query_tensor(problem.q);
  args.k = key_tensor(problem.k);
  args.v = key_tensor(problem.v);
  args.out = query_tensor(problem.out);
  args.lse = problem.lse.data();
  args.text_lengths = kTextLengths;
  return args;
}

radial_backward_args backward_args(DoubleProblem& problem) {
  radial_backward_args args = radial_backward_args_init();
  args.q = query_tensor(problem.q);
  args.k = key_tensor(problem.k);
  args.v = key_tensor(problem.v);
  args.out = query_tensor(problem.out);
  args.dout = query_tensor(problem.dout);
  args.dq = query_tensor(problem.dq);
  args.dk = key_tensor(problem.dk);
  args.dv = key_tensor(problem.dv);
  args.lse = problem.lse.data();
  args.text_lengths = kTextLengths;
  return args;
}

TEST(CApiAttention, GivesTheBitsOfTheCppInterface) {
  DoubleProblem ours(kSizes, 3), expected(kSizes, 3);
  const BlockPlan plan = BlockPlan::build(RadialMask(kLayout, {.block_size = 64}));
  expected.forward(plan, kTextLengths);
  expected.backward(plan, kTextLengths);

  const PlanHandle handle = made_plan();
  const radial_forward_args forward = forward_args(ours);
  ASSERT_EQ(radial_forward(handle.get(), &forward, nullptr), RADIAL_OK) << radial_last_error();
  const radial_backward_args backward = backward_args(ours);
  ASSERT_EQ(radial_backward(handle.get(), &backward, nullptr), RADIAL_OK) << radial_last_error();
  EXPECT_EQ(ours.out, expected.out);
  EXPECT_EQ(ours.lse, expected.lse);
  EXPECT_EQ(ours.dq, expected.dq);
  EXPECT_EQ(ours.dk, expected.dk);
  EXPECT_EQ(ours.dv, expected.dv);
}

TEST(CApiAttention, MergeWritesOverTheFirst) {
  DoubleProblem first(kSizes, 4), second(kSizes, 5), expected(kSizes, 4);
  const BlockPlan plan = BlockPlan::build(RadialMask(kLayout, {.block_size = 64}));
  for (DoubleProblem* problem : {&first, &second, &expected}) problem->forward(plan);
  merge({.out_a = as_const(expected.query_view(expected.out)),
         .out_b = as_const(second.query_view(second.out)),
         .lse_a = expected.lse.data(),
         .lse_b = second.lse.data(),
         .out = expected.query_view(expected.out),
         .lse = expected.lse.data()});

  radial_merge_args args = radial_merge_args_init();
  args.out_a = args.out = query_tensor(first.out);
  args.out_b = query_tensor(second.out);
  args.lse_a = args.lse = first.lse.data();
  args.lse_b = second.lse.data();
  ASSERT_EQ(radial_merge(&args, nullptr), RADIAL_OK) << radial_last_error();
  EXPECT_EQ(first.out, expected.out);
  EXPECT_EQ(first.lse, expected.lse);
}

TEST(CApiAttention, RunOptionsArrive) {
  DoubleProblem problem(kSizes, 6);
  const PlanHandle plan = made_plan();
  const radial_forward_args args = forward_args(problem);
  radial_run_options options = radial_run_options_init();
  options.implementation = "no_such_implementation";
  expect_invalid(radial_forward(plan.get(), &args, &options), {"no_such_implementation"});
  options = radial_run_options_init();
  options.num_threads = -3;
  expect_invalid(radial_forward(plan.get(), &args, &options), {"num_threads", "-3"});
  options = radial_run_options_init();
  options.implementation = "reference";
  ASSERT_EQ(radial_forward(plan.get(), &args, &options), RADIAL_OK) << radial_last_error();
  std::int32_t index = -1;
  ASSERT_EQ(radial_chosen_implementation(plan.get(), &args, &options, &index), RADIAL_OK);
  radial_implementation_info info = radial_implementation_info_init();
  ASSERT_EQ(radial_implementation(index, &info), RADIAL_OK);
  EXPECT_STREQ(info.name, "reference");
}

TEST(CApiAttention, WorkspaceOfTheSizeItAsksForIsEnough) {
  DoubleProblem problem(kSizes, 7);
  const PlanHandle plan = made_plan();
  const radial_forward_args forward = forward_args(problem);
  const radial_backward_args backward = backward_args(problem);
  std::size_t forward_bytes = 1, backward_bytes = 1;
  ASSERT_EQ(radial_forward_workspace(plan.get(), &forward, nullptr, &forward_bytes), RADIAL_OK);
  ASSERT_EQ(radial_backward_workspace(plan.get(), &backward, nullptr, &backward_bytes), RADIAL_OK);
  const std::size_t bytes = (std::max(forward_bytes, backward_bytes) + 256) / 256 * 256;
  const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(256, bytes),
                                                           &std::free);
  radial_run_options options = radial_run_options_init();
  options.workspace = memory.get();
  options.workspace_bytes = bytes;
  EXPECT_EQ(radial_forward(plan.get(), &forward, &options), RADIAL_OK) << radial_last_error();
  EXPECT_EQ(radial_backward(plan.get(), &backward, &options), RADIAL_OK) << radial_last_error();
}

TEST(CApiAttention, RefusesBadTensors) {
  DoubleProblem problem(kSizes, 8);
  const PlanHandle plan = made_plan();
  radial_forward_args args = forward_args(problem);
  args.k.dtype = 12;
  expect_invalid(radial_forward(plan.get(), &args, nullptr), {"k.dtype", "got 12"});
  args = forward_args(problem);
  args.v.device = 5;
  expect_invalid(radial_forward(plan.get(), &args, nullptr), {"v.device", "got 5"});
  args = forward_args(problem);
  args.q.reserved = 1;
  expect_invalid(radial_forward(plan.get(), &args, nullptr), {"q.reserved", "got 1"});
  args = forward_args(problem);
  args.out.sizes[1] += 1;
  expect_invalid(radial_forward(plan.get(), &args, nullptr), {"out", "sizes"});
}

TEST(CApiAttention, ListsEveryImplementation) {
  const std::vector<ImplementationInfo> expected = implementations();
  ASSERT_EQ(radial_num_implementations(), static_cast<std::int32_t>(expected.size()));
  for (std::int32_t i = 0; i < radial_num_implementations(); ++i) {
    radial_implementation_info info = radial_implementation_info_init();
    ASSERT_EQ(radial_implementation(i, &info), RADIAL_OK);
    const ImplementationInfo& known = expected[static_cast<std::size_t>(i)];
    EXPECT_EQ(info.name, known.name);
    EXPECT_EQ(info.available == 1, known.available);
  }
  radial_implementation_info info = radial_implementation_info_init();
  expect_invalid(radial_implementation(-1, &info), {"index", "-1"});
}

}  // namespace
}  // namespace radial::testing
