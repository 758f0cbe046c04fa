#pragma once

#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "radial/torch/plan_handle.h"

// Plans from and to what torch can hold: arguments of operators, tensors, pickles.

namespace radial::torch_ops {

/// The arguments of torch.ops.radial.build_plan: a VideoLayout, MaskOptions, and optionally the
/// wanted density.
PlanPtr build_plan(std::int64_t frames, std::int64_t grid_h, std::int64_t grid_w,
                   const std::string& rule, std::int64_t reference_tokens, std::int64_t text_tokens,
                   at::IntArrayRef tile, std::int64_t block_size, double decay_factor,
                   std::optional<bool> sink, std::int64_t sink_frames,
                   const std::string& distance_one, std::optional<bool> thinning,
                   std::optional<std::int64_t> thinning_threshold, std::optional<std::int64_t> span,
                   std::optional<std::int64_t> width, at::OptionalIntArrayRef window,
                   std::optional<double> density);

/// How many tokens the blocks of a plan of one's own cover, and which head uses which pattern.
struct OwnPlan {
  std::int64_t query_tokens, key_tokens, block_size, text_tokens;
  at::IntArrayRef head_patterns;
};

PlanPtr plan_from_dense(const at::Tensor& blocks, const OwnPlan& own);  // [QB, KB] or [P, QB, KB]
PlanPtr plan_from_csr(at::TensorList indptr, at::TensorList indices, const OwnPlan& own);
PlanPtr plan_from_flex(const at::Tensor& kv_num_blocks,  // [QB] or [P, QB]
                       const at::Tensor& kv_indices,     // [QB, KB] or [P, QB, KB]
                       const OwnPlan& own);
/// The patterns of several plans over the same tokens, one after the other, in one plan.
PlanPtr combine_plans(const c10::List<PlanPtr>& plans, at::IntArrayRef head_patterns);

at::Tensor plan_to_dense(const PlanHandle& plan, std::int64_t pattern);  // bool [QB, KB]
std::tuple<at::Tensor, at::Tensor> plan_to_csr(const PlanHandle& plan, std::int64_t pattern);
std::tuple<at::Tensor, at::Tensor> plan_to_flex(const PlanHandle& plan, std::int64_t pattern);

/// What a pickle holds: the arguments that the plan was built from (an absent key is an unset
/// option), or for a plan of one's own its tokens and its patterns as indptr, indices, ...
using PlanState =
    std::tuple<c10::Dict<std::string, std::string>, c10::Dict<std::string, std::int64_t>,
               c10::Dict<std::string, double>, std::vector<at::Tensor>>;
PlanState state_of(const PlanHandle& plan);
PlanPtr plan_from_state(const PlanState& state);

}  // namespace radial::torch_ops
