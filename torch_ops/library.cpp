// What torch.ops.radial and torch.classes.radial hold. All in this one file, because the class must
// be registered before any kernel that takes it.

#include <ATen/ops/empty.h>
#include <torch/autograd.h>
#include <torch/library.h>

#include <algorithm>

#include "kernels.h"
#include "plan_forms.h"
#include "radial/attention/implementation.h"
#include "tensor_bridge.h"

namespace radial::torch_ops {
namespace {

c10::Dict<std::string, double> stats_of(const PlanPtr& plan, std::int64_t pattern) {
  return with_torch_errors([&] {
    RADIAL_REQUIRE(
        pattern >= 0 && pattern < static_cast<std::int64_t>(plan->plan().patterns().size()),
        "pattern: expected 0 to ", plan->plan().patterns().size() - 1, ", got ", pattern);
    const PlanStats stats = plan->plan().stats(static_cast<std::int32_t>(pattern));
    c10::Dict<std::string, double> values;
    values.insert("kept_blocks", static_cast<double>(stats.kept_blocks));
    values.insert("all_blocks", static_cast<double>(stats.all_blocks));
    values.insert("density", stats.density);
    values.insert("shortest_row", stats.shortest_row);
    values.insert("median_row", stats.median_row);
    values.insert("longest_row", stats.longest_row);
    values.insert("shortest_column", stats.shortest_column);
    values.insert("median_column", stats.median_column);
    values.insert("longest_column", stats.longest_column);
    values.insert("runs_per_row", stats.runs_per_row);
    values.insert("empty_rows", stats.empty_rows);
    return values;
  });
}

std::int64_t kept_pairs(const PlanPtr& plan, std::int64_t head) {
  const auto heads = static_cast<std::int64_t>(plan->plan().head_patterns().size());
  TORCH_CHECK_VALUE(head >= 0 && (heads == 0 || head < heads), "head: expected 0 to ", heads - 1,
                    ", got ", head);
  return plan->plan().kept_pairs(static_cast<std::int32_t>(head));
}

at::Tensor permutation_of(const PlanPtr& plan, bool inverse) {
  TORCH_CHECK_VALUE(plan->mask(), "permutation: a plan of one's own has no token order");
  const VideoLayout& layout = plan->mask()->layout();
  const auto places = inverse ? layout.inverse_permutation() : layout.permutation();
  at::Tensor tensor =
      at::empty({static_cast<std::int64_t>(places.size())}, at::TensorOptions(at::kLong));
  std::ranges::copy(places, tensor.mutable_data_ptr<std::int64_t>());
  return tensor;
}

template <typename Numbers>
std::vector<std::int64_t> wide(const Numbers& numbers) {
  return {numbers.begin(), numbers.end()};
}

void define_plan_class(torch::Library& m) {
  m.class_<PlanHandle>("Plan")
      .def("id", [](const PlanPtr& p) { return p->id(); })
      .def("block_size", [](const PlanPtr& p) -> std::int64_t { return p->plan().block_size(); })
      .def("query_tokens", [](const PlanPtr& p) { return p->plan().query_tokens(); })
      .def("key_tokens", [](const PlanPtr& p) { return p->plan().key_tokens(); })
      .def("text_tokens", [](const PlanPtr& p) { return p->plan().text_tokens(); })
      .def("num_patterns",
           [](const PlanPtr& p) { return static_cast<std::int64_t>(p->plan().patterns().size()); })
      .def("head_patterns", [](const PlanPtr& p) { return wide(p->plan().head_patterns()); })
      .def("description", [](const PlanPtr& p) { return p->plan().description(); })
      .def("warnings",
           [](const PlanPtr& p) {
             const auto lines = p->plan().warnings();
             return std::vector<std::string>(lines.begin(), lines.end());
           })
      .def("stats", stats_of, "", {torch::arg("pattern") = 0})
      .def("kept_pairs", kept_pairs, "", {torch::arg("head") = 0})
      .def("to_dense", [](const PlanPtr& p, std::int64_t i) { return plan_to_dense(*p, i); }, "",
           {torch::arg("pattern") = 0})
      .def("to_csr", [](const PlanPtr& p, std::int64_t i) { return plan_to_csr(*p, i); }, "",
           {torch::arg("pattern") = 0})
      .def("to_flex", [](const PlanPtr& p, std::int64_t i) { return plan_to_flex(*p, i); }, "",
           {torch::arg("pattern") = 0})
      .def("permutation", permutation_of, "", {torch::arg("inverse") = false})
      .def_pickle([](const PlanPtr& p) { return state_of(*p); },
                  [](const PlanState& state) { return plan_from_state(state); });
}

std::vector<std::string> implementation_names(const std::string& device) {
  std::vector<std::string> names;
  for (const ImplementationInfo& info : implementations()) {
    const bool is_cpu = info.device == DeviceType::kCpu;
    if (info.available && device == (is_cpu ? "cpu" : "cuda")) names.emplace_back(info.name);
  }
  return names;
}

}  // namespace

TORCH_LIBRARY(radial, m) {
  define_plan_class(m);
  m.def(
      "build_plan(int frames, int grid_h, int grid_w, *, str rule=\"radial\", "
      "int reference_tokens=0, int text_tokens=0, int[] tile=[], int block_size=128, "
      "float decay_factor=1.0, bool? sink=None, int sink_frames=1, str distance_one=\"rule\", "
      "bool? thinning=None, int? thinning_threshold=None, int? span=None, int? width=None, "
      "int[]? window=None, float? density=None) -> __torch__.torch.classes.radial.Plan",
      build_plan);
  m.def(
      "plan_from_dense(Tensor block_mask, int query_tokens, int key_tokens, *, "
      "int block_size=128, int text_tokens=0, int[] head_patterns=[]) "
      "-> __torch__.torch.classes.radial.Plan",
      [](const at::Tensor& block_mask, std::int64_t query_tokens, std::int64_t key_tokens,
         std::int64_t block_size, std::int64_t text_tokens, at::IntArrayRef head_patterns) {
        return plan_from_dense(block_mask,
                               {query_tokens, key_tokens, block_size, text_tokens, head_patterns});
      });
  m.def(
      "plan_from_csr(Tensor[] indptr, Tensor[] indices, int query_tokens, int key_tokens, *, "
      "int block_size=128, int text_tokens=0, int[] head_patterns=[]) "
      "-> __torch__.torch.classes.radial.Plan",
      [](at::TensorList indptr, at::TensorList indices, std::int64_t query_tokens,
         std::int64_t key_tokens, std::int64_t block_size, std::int64_t text_tokens,
         at::IntArrayRef head_patterns) {
        return plan_from_csr(indptr, indices,
                             {query_tokens, key_tokens, block_size, text_tokens, head_patterns});
      });
  m.def(
      "plan_from_flex(Tensor kv_num_blocks, Tensor kv_indices, int query_tokens, int key_tokens, "
      "*, int block_size=128, int text_tokens=0, int[] head_patterns=[]) "
      "-> __torch__.torch.classes.radial.Plan",
      [](const at::Tensor& kv_num_blocks, const at::Tensor& kv_indices, std::int64_t query_tokens,
         std::int64_t key_tokens, std::int64_t block_size, std::int64_t text_tokens,
         at::IntArrayRef head_patterns) {
        return plan_from_flex(kv_num_blocks, kv_indices,
                              {query_tokens, key_tokens, block_size, text_tokens, head_patterns});
      });
  m.def(
      "combine_plans(__torch__.torch.classes.radial.Plan[] plans, int[] head_patterns) "
      "-> __torch__.torch.classes.radial.Plan",
      combine_plans);
  m.def("implementations(str device) -> str[]", implementation_names);

  m.def(
      "attention(Tensor q, Tensor k, Tensor v, SymInt plan, "
      "float? scale=None, Tensor? text_lengths=None) -> (Tensor out, Tensor lse)");
  m.def(
      "attention_forward(Tensor q, Tensor k, Tensor v, SymInt plan, "
      "float? scale=None, Tensor? text_lengths=None) -> (Tensor out, Tensor lse)");
  m.def(
      "attention_backward(Tensor dout, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse, "
      "SymInt plan, float? scale=None, Tensor? text_lengths=None) "
      "-> (Tensor dq, Tensor dk, Tensor dv)");
  m.def(
      "merge(Tensor out_a, Tensor lse_a, Tensor out_b, Tensor lse_b) "
      "-> (Tensor out, Tensor lse)");
  m.def(
      "chosen_implementation(Tensor q, Tensor k, Tensor v, "
      "SymInt plan) -> str");
}

namespace {

void register_device_kernels(torch::Library& m) {
  m.impl("attention_forward", on_device::attention_forward);
  m.impl("attention_backward", on_device::attention_backward);
  m.impl("merge", on_device::merge);
  m.impl("chosen_implementation", on_device::chosen_implementation);
}

}  // namespace

TORCH_LIBRARY_IMPL(radial, CPU, m) { register_device_kernels(m); }
TORCH_LIBRARY_IMPL(radial, CUDA, m) { register_device_kernels(m); }

TORCH_LIBRARY_IMPL(radial, Meta, m) {
  m.impl("attention_forward", shapes::attention_forward);
  m.impl("attention_backward", shapes::attention_backward);
  m.impl("merge", shapes::merge);
}

TORCH_LIBRARY_IMPL(radial, Autograd, m) {
  m.impl("attention", with_autograd::attention);
  m.impl("attention_backward", with_autograd::attention_backward);
  m.impl("attention_forward", torch::autograd::autogradNotImplementedFallback());
  m.impl("merge", torch::autograd::autogradNotImplementedFallback());
}

// Where autograd is switched off altogether (inference mode).
TORCH_LIBRARY_IMPL(radial, CompositeExplicitAutograd, m) {
  m.impl("attention", operators::attention_forward);
}

TORCH_LIBRARY_IMPL(radial, AutocastCPU, m) { m.impl("attention", with_autocast::attention_on_cpu); }
TORCH_LIBRARY_IMPL(radial, AutocastCUDA, m) {
  m.impl("attention", with_autocast::attention_on_cuda);
}

}  // namespace radial::torch_ops
