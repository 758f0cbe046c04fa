// What the forward on CPUs needs beyond its inputs and outputs: packed K and V, and scratch for
// each thread that the length of the video does not touch.

#include <gtest/gtest.h>

#include <vector>

#include "radial/attention/attention.h"
#include "radial/attention/implementation.h"

namespace radial {
namespace {

constexpr std::int64_t kBatch = 2, kHeads = 4, kKeyHeads = 2, kBlock = 128;
constexpr std::size_t kMostScratch = 320 << 10;  // bytes a thread, reached with head dim 256
constexpr std::size_t kAlignment = 256;          // of each of the two packed tensors

struct Case {
  std::string implementation;
  DType dtype;
  std::int64_t head_dim;
};

BlockPlan plan_of(std::int32_t frames) {
  const VideoLayout layout{.frames = frames, .grid_h = 30, .grid_w = 52};
  return BlockPlan::build(RadialMask(layout, {.rule = "radial"}));
}

std::size_t workspace(const BlockPlan& plan, const Case& one, int num_threads) {
  static char memory[8];  // only the sizes count, nothing is read
  const std::array<std::int64_t, 4> q = {kBatch, plan.query_tokens(), kHeads, one.head_dim};
  const std::array<std::int64_t, 4> k = {kBatch, plan.key_tokens(), kKeyHeads, one.head_dim};
  const auto view = [&](const auto& sizes) {
    return contiguous_view<void*>(memory, one.dtype, sizes);
  };
  ForwardArgs args;
  args.q = as_const(view(q));
  args.k = args.v = as_const(view(k));
  args.out = view(q);
  RunOptions options;
  options.implementation = one.implementation;
  options.num_threads = num_threads;
  return forward_workspace_bytes(plan, args, options);
}

bool takes_bfloat16_alone(std::string_view implementation) {
  return implementation == "cpu_avx512_bf16" || implementation == "cpu_amx";
}

/// K and V in the type that the products take, in whole blocks; for tiles K's rows are filled up to
/// 32 elements.
std::size_t packed_bytes(const BlockPlan& plan, const Case& one) {
  const std::int64_t rows = (plan.key_tokens() + kBlock - 1) / kBlock * kBlock;
  const std::int64_t element = takes_bfloat16_alone(one.implementation) ? 2 : 4;
  const std::int64_t k_row =
      one.implementation == "cpu_amx" ? (one.head_dim + 31) / 32 * 32 : one.head_dim;
  return static_cast<std::size_t>(kBatch * kKeyHeads * rows * (k_row + one.head_dim) * element);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const ImplementationInfo& info : implementations()) {
    if (!info.available || info.device != DeviceType::kCpu || info.name == "reference") continue;
    for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
      if (takes_bfloat16_alone(info.name) && dtype != DType::kBFloat16) continue;
      for (const std::int64_t head_dim : {16, 64, 128, 256}) {
        all.push_back({std::string(info.name), dtype, head_dim});
      }
    }
  }
  return all;
}

TEST(CpuForwardWorkspace, IsThePackedKeysAndValuesAndScratchForEachThread) {
  const BlockPlan short_plan = plan_of(3), long_plan = plan_of(21);  // ragged last blocks
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.implementation + " " + std::string(name_of(one.dtype)) + ", head dim " +
                 std::to_string(one.head_dim));
    const std::size_t scratch = workspace(long_plan, one, 2) - workspace(long_plan, one, 1);
    EXPECT_GT(scratch, 0u);
    EXPECT_LE(scratch, kMostScratch);
    for (const BlockPlan* plan : {&short_plan, &long_plan}) {
      for (const int threads : {1, 7, 64}) {
        EXPECT_LE(
            workspace(*plan, one, threads),
            packed_bytes(*plan, one) + static_cast<std::size_t>(threads) * scratch + 2 * kAlignment)
            << threads << " threads, " << plan->description();
      }
    }
  }
}

}  // namespace
}  // namespace radial
