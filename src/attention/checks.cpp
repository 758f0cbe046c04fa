#include "attention/checks.h"

#include <cmath>
#include <string>

#include "radial/base/error.h"

namespace radial {
namespace {

std::string text_of(const std::array<std::int64_t, 4>& sizes) {
  return concat("[", sizes[0], ", ", sizes[1], ", ", sizes[2], ", ", sizes[3], "]");
}

std::string text_of(const Device& device) {
  return device.type == DeviceType::kCpu ? "cpu" : concat("cuda:", device.index);
}

/// `view` must be like `model` in dtype and device, have `sizes` and contiguous heads.
void check_view(std::string_view name, const ConstTensorView& view, const ConstTensorView& model,
                const std::array<std::int64_t, 4>& sizes) {
  RADIAL_REQUIRE(view.data != nullptr, name, ": expected memory, got a null pointer");
  RADIAL_REQUIRE(view.dtype == model.dtype, name, ": expected ", name_of(model.dtype),
                 " as q is, got ", name_of(view.dtype));
  RADIAL_REQUIRE(view.device == model.device, name, ": expected a tensor on ",
                 text_of(model.device), " as q is, got one on ", text_of(view.device));
  RADIAL_REQUIRE(view.sizes == sizes, name, ": expected sizes ", text_of(sizes), ", got ",
                 text_of(view.sizes));
  RADIAL_REQUIRE(view.strides[3] == 1, name, ": expected a contiguous last dimension, got stride ",
                 view.strides[3]);
}

double checked_scale(const std::optional<double>& scale, std::int64_t head_dim) {
  const double value = scale.value_or(1.0 / std::sqrt(static_cast<double>(head_dim)));
  RADIAL_REQUIRE(std::isfinite(value), "scale: expected a finite number, got ", value);
  return value;
}

void check_text_lengths(const std::int32_t* maybe_text_lengths, const BlockPlan& plan,
                        const ConstTensorView& q) {
  if (!maybe_text_lengths) return;
  RADIAL_REQUIRE(plan.text_tokens() > 0,
                 "text_lengths: the plan was built without text tokens, got lengths");
  if (q.device.type != DeviceType::kCpu) return;  // not readable here
  for (std::int64_t b = 0; b < q.sizes[0]; ++b) {
    RADIAL_REQUIRE(maybe_text_lengths[b] >= 0 && maybe_text_lengths[b] <= plan.text_tokens(),
                   "text_lengths: expected 0 to ", plan.text_tokens(), ", got ",
                   maybe_text_lengths[b], " for sample ", b);
  }
}

void check_plan(const BlockPlan& plan, std::int64_t query_tokens, std::int64_t key_tokens,
                std::int64_t heads) {
  RADIAL_REQUIRE(query_tokens == plan.query_tokens(), "q: has ", query_tokens,
                 " tokens but the plan was built for ", plan.query_tokens(), " (",
                 plan.description(), ")");
  RADIAL_REQUIRE(key_tokens == plan.key_tokens(), "k: has ", key_tokens,
                 " tokens but the plan was built for ", plan.key_tokens(), " (", plan.description(),
                 ")");
  RADIAL_REQUIRE(plan.head_patterns().empty() ||
                     static_cast<std::int64_t>(plan.head_patterns().size()) == heads,
                 "q: has ", heads, " heads but the plan names the patterns of ",
                 plan.head_patterns().size());
}

void check_device_plan(const ConstTensorView& q, const RunOptions& options) {
  if (q.device.type == DeviceType::kCuda) {
    RADIAL_REQUIRE(options.device_plan != nullptr, "device_plan: expected the plan uploaded to ",
                   text_of(q.device), " (DevicePlan), got none");
  }
}

/// What forward and backward have in common.
template <typename Args>
AttentionProblem checked_problem(const BlockPlan& plan, const Args& args,
                                 const RunOptions& options) {
  const ConstTensorView& q = args.q;
  const std::int64_t batch = q.sizes[0], heads = q.sizes[2], head_dim = q.sizes[3];
  RADIAL_REQUIRE(batch > 0 && q.sizes[1] > 0 && heads > 0 && head_dim > 0,
                 "q: expected sizes [B, Sq, H, D] of at least 1, got ", text_of(q.sizes));
  RADIAL_REQUIRE(head_dim <= 1024, "q: expected a head dim of at most 1024, got ", head_dim);
  check_view("q", q, q, q.sizes);
  const std::int64_t key_tokens = args.k.sizes[1], key_heads = args.k.sizes[2];
  RADIAL_REQUIRE(key_heads > 0 && heads % key_heads == 0, "k: expected heads that divide the ",
                 heads, " of q, got ", key_heads);
  check_view("k", args.k, q, {batch, key_tokens, key_heads, head_dim});
  check_view("v", args.v, q, {batch, key_tokens, key_heads, head_dim});
  check_plan(plan, q.sizes[1], key_tokens, heads);
  check_text_lengths(args.maybe_text_lengths, plan, q);
  check_device_plan(q, options);

  AttentionProblem problem;
  problem.dtype = q.dtype;
  problem.device = q.device;
  problem.batch = batch;
  problem.query_tokens = q.sizes[1];
  problem.key_tokens = key_tokens;
  problem.heads = static_cast<std::int32_t>(heads);
  problem.key_heads = static_cast<std::int32_t>(key_heads);
  problem.head_dim = static_cast<std::int32_t>(head_dim);
  problem.scale = checked_scale(args.scale, head_dim);
  problem.plan = &plan;
  problem.maybe_device_plan = options.device_plan;
  problem.maybe_text_lengths = args.maybe_text_lengths;
  return problem;
}

}  // namespace

ForwardParams checked_params(const BlockPlan& plan, const ForwardArgs& args,
                             const RunOptions& options) {
  ForwardParams params;
  params.problem = checked_problem(plan, args, options);
  check_view("out", as_const(args.out), args.q, args.q.sizes);
  params.q = args.q.data;
  params.k = args.k.data;
  params.v = args.v.data;
  params.out = args.out.data;
  params.maybe_lse = args.maybe_lse;
  params.q_strides = strides_of(args.q);
  params.k_strides = strides_of(args.k);
  params.v_strides = strides_of(args.v);
  params.out_strides = strides_of(args.out);
  return params;
}

BackwardParams checked_params(const BlockPlan& plan, const BackwardArgs& args,
                              const RunOptions& options) {
  BackwardParams params;
  params.problem = checked_problem(plan, args, options);
  check_view("out", args.out, args.q, args.q.sizes);
  check_view("dout", args.dout, args.q, args.q.sizes);
  check_view("dq", as_const(args.dq), args.q, args.q.sizes);
  check_view("dk", as_const(args.dk), args.q, args.k.sizes);
  check_view("dv", as_const(args.dv), args.q, args.v.sizes);
  RADIAL_REQUIRE(args.lse != nullptr, "lse: expected the forward's [B, H, Sq], got a null pointer");
  params.q = args.q.data;
  params.k = args.k.data;
  params.v = args.v.data;
  params.out = args.out.data;
  params.lse = args.lse;
  params.dout = args.dout.data;
  params.dq = args.dq.data;
  params.dk = args.dk.data;
  params.dv = args.dv.data;
  params.q_strides = strides_of(args.q);
  params.k_strides = strides_of(args.k);
  params.v_strides = strides_of(args.v);
  params.out_strides = strides_of(args.out);
  params.dout_strides = strides_of(args.dout);
  params.dq_strides = strides_of(args.dq);
  params.dk_strides = strides_of(args.dk);
  params.dv_strides = strides_of(args.dv);
  return params;
}

void check_merge(const MergeArgs& args) {
  const ConstTensorView& a = args.out_a;
  RADIAL_REQUIRE(a.sizes[0] > 0 && a.sizes[1] > 0 && a.sizes[2] > 0 && a.sizes[3] > 0,
                 "out_a: expected sizes [B, Sq, H, D] of at least 1, got ", text_of(a.sizes));
  check_view("out_a", a, a, a.sizes);
  check_view("out_b", args.out_b, a, a.sizes);
  check_view("out", as_const(args.out), a, a.sizes);
  RADIAL_REQUIRE(args.lse_a && args.lse_b && args.lse,
                 "lse_a, lse_b, lse: expected memory [B, H, Sq], got a null pointer");
}

}  // namespace radial
