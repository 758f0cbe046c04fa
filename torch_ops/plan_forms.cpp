#include "plan_forms.h"

#include <ATen/ops/empty.h>
#include <c10/util/irange.h>

#include <algorithm>
#include <limits>

#include "tensor_bridge.h"

namespace radial::torch_ops {
namespace {

constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

std::int32_t checked_int32(std::string_view name, std::int64_t value) {
  RADIAL_REQUIRE(value >= 0 && value <= kMaxInt32, name, ": expected 0 to ", kMaxInt32, ", got ",
                 value);
  return static_cast<std::int32_t>(value);
}

std::vector<std::int32_t> int32_values(std::string_view name, const at::Tensor& tensor) {
  RADIAL_REQUIRE(tensor.scalar_type() == at::kInt || tensor.scalar_type() == at::kLong, name,
                 ": expected int32 or int64, got ", tensor.scalar_type());
  const at::Tensor wide = tensor.to(at::kCPU, at::kLong).contiguous();
  const auto* values = wide.const_data_ptr<std::int64_t>();
  std::vector<std::int32_t> narrow;
  narrow.reserve(static_cast<std::size_t>(wide.numel()));
  for (const auto i : c10::irange(wide.numel())) narrow.push_back(checked_int32(name, values[i]));
  return narrow;
}

at::Tensor int32_tensor(std::span<const std::int32_t> values, at::IntArrayRef sizes) {
  at::Tensor tensor = at::empty(sizes, at::TensorOptions(at::kInt));
  std::ranges::copy(values, tensor.mutable_data_ptr<std::int32_t>());
  return tensor;
}

PlanPtr make_plan(std::vector<BlockPattern> patterns, const OwnPlan& own) {
  std::vector<std::int32_t> head_patterns;
  for (const std::int64_t pattern : own.head_patterns) {
    head_patterns.push_back(checked_int32("head_patterns", pattern));
  }
  return PlanHandle::wrap(BlockPlan::from_patterns(
      std::move(patterns), std::move(head_patterns), checked_int32("block_size", own.block_size),
      own.query_tokens, own.key_tokens, own.text_tokens));
}

std::int32_t key_blocks(const OwnPlan& own) {
  RADIAL_REQUIRE(own.block_size > 0 && own.key_tokens > 0,
                 "block_size, key_tokens: expected positive numbers, got ", own.block_size, " and ",
                 own.key_tokens);
  return checked_int32("key_tokens", (own.key_tokens - 1) / own.block_size + 1);
}

const BlockPattern& pattern_at(const PlanHandle& plan, std::int64_t pattern) {
  const auto patterns = plan.plan().patterns();
  RADIAL_REQUIRE(pattern >= 0 && pattern < static_cast<std::int64_t>(patterns.size()),
                 "pattern: expected 0 to ", patterns.size() - 1, ", got ", pattern);
  return patterns[static_cast<std::size_t>(pattern)];
}

}  // namespace

PlanPtr plan_from_dense(const at::Tensor& blocks, const OwnPlan& own) {
  return with_torch_errors([&] {
    RADIAL_REQUIRE(blocks.dim() == 2 || blocks.dim() == 3,
                   "block_mask: expected [QB, KB] or [P, QB, KB], got ", blocks.dim(),
                   " dimensions");
    const at::Tensor all =
        (blocks.dim() == 2 ? blocks.unsqueeze(0) : blocks).to(at::kCPU, at::kBool).contiguous();
    const auto rows = checked_int32("block_mask", all.size(1));
    const auto columns = checked_int32("block_mask", all.size(2));
    // A bool is one byte, 0 or 1.
    const auto* data = static_cast<const std::uint8_t*>(all.const_data_ptr());
    const auto count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    std::vector<BlockPattern> patterns;
    for (const auto i : c10::irange(static_cast<std::size_t>(all.size(0)))) {
      patterns.push_back(pattern_from_dense({data + i * count, count}, rows, columns));
    }
    return make_plan(std::move(patterns), own);
  });
}

PlanPtr plan_from_csr(at::TensorList indptr, at::TensorList indices, const OwnPlan& own) {
  return with_torch_errors([&] {
    RADIAL_REQUIRE(indptr.size() == indices.size(), "indices: expected ", indptr.size(),
                   " lists as indptr has, got ", indices.size());
    std::vector<BlockPattern> patterns;
    for (const auto i : c10::irange(indptr.size())) {
      patterns.push_back(pattern_from_csr(int32_values("indptr", indptr[i]),
                                          int32_values("indices", indices[i]), key_blocks(own)));
    }
    return make_plan(std::move(patterns), own);
  });
}

PlanPtr plan_from_flex(const at::Tensor& kv_num_blocks, const at::Tensor& kv_indices,
                       const OwnPlan& own) {
  return with_torch_errors([&] {
    RADIAL_REQUIRE(kv_num_blocks.dim() == 1 || kv_num_blocks.dim() == 2,
                   "kv_num_blocks: expected [QB] or [P, QB], got ", kv_num_blocks.dim(),
                   " dimensions");
    RADIAL_REQUIRE(kv_indices.dim() == kv_num_blocks.dim() + 1,
                   "kv_indices: expected one dimension more than kv_num_blocks has, got ",
                   kv_indices.dim());
    const bool several = kv_num_blocks.dim() == 2;
    const std::int64_t count = several ? kv_num_blocks.size(0) : 1;
    RADIAL_REQUIRE(!several || kv_indices.size(0) == count, "kv_indices: expected ", count,
                   " patterns as kv_num_blocks has, got ", kv_indices.size(0));
    std::vector<BlockPattern> patterns;
    for (const auto i : c10::irange(count)) {
      patterns.push_back(pattern_from_flex(
          int32_values("kv_num_blocks", several ? kv_num_blocks[i] : kv_num_blocks),
          int32_values("kv_indices", several ? kv_indices[i] : kv_indices), key_blocks(own)));
    }
    return make_plan(std::move(patterns), own);
  });
}

PlanPtr combine_plans(const c10::List<PlanPtr>& plans, at::IntArrayRef head_patterns) {
  return with_torch_errors([&] {
    RADIAL_REQUIRE(!plans.empty(), "plans: expected at least one, got none");
    const PlanPtr first_handle = plans.get(0);
    const BlockPlan& first = first_handle->plan();
    std::vector<BlockPattern> patterns;
    for (const auto i : c10::irange(plans.size())) {
      const PlanPtr handle = plans.get(i);
      const BlockPlan& plan = handle->plan();
      RADIAL_REQUIRE(
          plan.query_tokens() == first.query_tokens() && plan.key_tokens() == first.key_tokens() &&
              plan.text_tokens() == first.text_tokens() && plan.block_size() == first.block_size(),
          "plans: expected all over the same tokens and blocks as the first (", first.description(),
          "), got ", plan.description(), " at place ", i);
      patterns.insert(patterns.end(), plan.patterns().begin(), plan.patterns().end());
    }
    return make_plan(std::move(patterns), {first.query_tokens(), first.key_tokens(),
                                           first.block_size(), first.text_tokens(), head_patterns});
  });
}

at::Tensor plan_to_dense(const PlanHandle& plan, std::int64_t pattern) {
  return with_torch_errors([&] {
    const BlockPattern& blocks = pattern_at(plan, pattern);
    at::Tensor dense = at::empty({blocks.num_query_blocks(), blocks.num_key_blocks()},
                                 at::TensorOptions(at::kBool));
    std::ranges::copy(to_dense(blocks), static_cast<std::uint8_t*>(dense.mutable_data_ptr()));
    return dense;
  });
}

std::tuple<at::Tensor, at::Tensor> plan_to_csr(const PlanHandle& plan, std::int64_t pattern) {
  return with_torch_errors([&] {
    const BlockCsr csr = to_csr(pattern_at(plan, pattern));
    return std::tuple(int32_tensor(csr.indptr, static_cast<std::int64_t>(csr.indptr.size())),
                      int32_tensor(csr.indices, static_cast<std::int64_t>(csr.indices.size())));
  });
}

std::tuple<at::Tensor, at::Tensor> plan_to_flex(const PlanHandle& plan, std::int64_t pattern) {
  return with_torch_errors([&] {
    const BlockPattern& blocks = pattern_at(plan, pattern);
    const FlexLists lists = to_flex(blocks);
    const std::int64_t rows = blocks.num_query_blocks(), columns = blocks.num_key_blocks();
    return std::tuple(int32_tensor(lists.kv_num_blocks, rows),
                      int32_tensor(lists.kv_indices, {rows, columns}));
  });
}

}  // namespace radial::torch_ops
