// The C interface of attention.

#include "radial/attention/attention.h"

#include <optional>
#include <string>
#include <vector>

#include "c_api/boundary.h"
#include "c_api/handles.h"
#include "radial/attention/implementation.h"

namespace radial::c_api {
namespace {

// Sizes in ABI version 1.
constexpr std::size_t kRunOptionsSize = 56;
constexpr std::size_t kForwardArgsSize = 384;
constexpr std::size_t kBackwardArgsSize = 736;
constexpr std::size_t kMergeArgsSize = 296;
constexpr std::size_t kImplementationInfoSize = 40;

DType dtype_of(std::int32_t value, std::string_view name) {
  switch (value) {
    case RADIAL_FLOAT32:
      return DType::kFloat32;
    case RADIAL_BFLOAT16:
      return DType::kBFloat16;
    case RADIAL_FLOAT16:
      return DType::kFloat16;
    case RADIAL_FLOAT64:
      return DType::kFloat64;
    default:
      break;
  }
  throw InvalidArgument(concat(
      name, ".dtype: expected RADIAL_FLOAT32, _BFLOAT16, _FLOAT16 or _FLOAT64, got ", value));
}

TensorView view_of(const radial_tensor& tensor, std::string_view name) {
  RADIAL_REQUIRE(tensor.device == RADIAL_CPU || tensor.device == RADIAL_CUDA, name,
                 ".device: expected RADIAL_CPU or RADIAL_CUDA, got ", tensor.device);
  RADIAL_REQUIRE(tensor.reserved == 0, name, ".reserved: expected 0, got ", tensor.reserved);
  TensorView view;
  view.data = tensor.data;
  view.dtype = dtype_of(tensor.dtype, name);
  view.device.type = tensor.device == RADIAL_CPU ? DeviceType::kCpu : DeviceType::kCuda;
  view.device.index = tensor.device_index;
  std::copy_n(tensor.sizes, 4, view.sizes.begin());
  std::copy_n(tensor.strides, 4, view.strides.begin());
  return view;
}

ConstTensorView const_view_of(const radial_tensor& tensor, std::string_view name) {
  return as_const(view_of(tensor, name));
}

std::optional<double> scale_of(double scale) {
  return scale == 0 ? std::nullopt : std::optional<double>(scale);
}

RunOptions run_options_of(const radial_run_options* given) {
  RunOptions options;
  if (!given) return options;
  const radial_run_options known =
      read_struct(given, "options", radial_run_options_init(), kRunOptionsSize);
  RADIAL_REQUIRE(known.reserved == 0, "options.reserved: expected 0, got ", known.reserved);
  if (known.implementation) options.implementation = known.implementation;
  options.num_threads = known.num_threads;
  options.stream = {known.stream};
  if (known.device_plan) options.device_plan = &known.device_plan->value;
  options.workspace = {known.workspace, known.workspace_bytes};
  return options;
}

ForwardArgs forward_args_of(const radial_forward_args* given) {
  const radial_forward_args known =
      read_struct(given, "args", radial_forward_args_init(), kForwardArgsSize);
  ForwardArgs args;
  args.q = const_view_of(known.q, "q");
  args.k = const_view_of(known.k, "k");
  args.v = const_view_of(known.v, "v");
  args.out = view_of(known.out, "out");
  args.maybe_lse = known.lse;
  args.maybe_text_lengths = known.text_lengths;
  args.scale = scale_of(known.scale);
  return args;
}

BackwardArgs backward_args_of(const radial_backward_args* given) {
  const radial_backward_args known =
      read_struct(given, "args", radial_backward_args_init(), kBackwardArgsSize);
  BackwardArgs args;
  args.q = const_view_of(known.q, "q");
  args.k = const_view_of(known.k, "k");
  args.v = const_view_of(known.v, "v");
  args.out = const_view_of(known.out, "out");
  args.dout = const_view_of(known.dout, "dout");
  args.dq = view_of(known.dq, "dq");
  args.dk = view_of(known.dk, "dk");
  args.dv = view_of(known.dv, "dv");
  args.lse = known.lse;
  args.maybe_text_lengths = known.text_lengths;
  args.scale = scale_of(known.scale);
  return args;
}

/// The list as it was when first asked for, with texts that end in a zero byte.
struct ListedImplementation {
  std::string name, description, unavailable;
  DeviceType device;
};

const std::vector<ListedImplementation>& listed_implementations() {
  static const std::vector<ListedImplementation> list = [] {
    std::vector<ListedImplementation> all;
    for (const ImplementationInfo& info : implementations()) {
      all.push_back(
          {std::string(info.name), std::string(info.description), info.unavailable, info.device});
    }
    return all;
  }();
  return list;
}

}  // namespace
}  // namespace radial::c_api

using namespace radial;         // NOLINT: the C interface lives outside of it
using namespace radial::c_api;  // NOLINT

radial_status radial_forward(const radial_plan* plan, const radial_forward_args* args,
                             const radial_run_options* options) {
  return guarded([&] {
    const BlockPlan& known = required(plan, "plan").value;
    attention_forward(known, forward_args_of(args), run_options_of(options));
  });
}

radial_status radial_backward(const radial_plan* plan, const radial_backward_args* args,
                              const radial_run_options* options) {
  return guarded([&] {
    const BlockPlan& known = required(plan, "plan").value;
    attention_backward(known, backward_args_of(args), run_options_of(options));
  });
}

radial_status radial_merge(const radial_merge_args* args, const radial_run_options* options) {
  return guarded([&] {
    const radial_merge_args known =
        read_struct(args, "args", radial_merge_args_init(), kMergeArgsSize);
    MergeArgs merged;
    merged.out_a = const_view_of(known.out_a, "out_a");
    merged.out_b = const_view_of(known.out_b, "out_b");
    merged.out = view_of(known.out, "out");
    merged.lse_a = known.lse_a;
    merged.lse_b = known.lse_b;
    merged.lse = known.lse;
    merge(merged, run_options_of(options));
  });
}

radial_status radial_forward_workspace(const radial_plan* plan, const radial_forward_args* args,
                                       const radial_run_options* options, size_t* bytes) {
  return guarded([&] {
    required(bytes, "bytes");
    const BlockPlan& known = required(plan, "plan").value;
    *bytes = forward_workspace_bytes(known, forward_args_of(args), run_options_of(options));
  });
}

radial_status radial_backward_workspace(const radial_plan* plan, const radial_backward_args* args,
                                        const radial_run_options* options, size_t* bytes) {
  return guarded([&] {
    required(bytes, "bytes");
    const BlockPlan& known = required(plan, "plan").value;
    *bytes = backward_workspace_bytes(known, backward_args_of(args), run_options_of(options));
  });
}

int32_t radial_num_implementations(void) {
  std::int32_t count = 0;
  guarded([&] { count = static_cast<std::int32_t>(listed_implementations().size()); });
  return count;
}

radial_status radial_implementation(int32_t index, radial_implementation_info* info) {
  return guarded([&] {
    check_writable(info, "info", kImplementationInfoSize);
    const auto& list = listed_implementations();
    RADIAL_REQUIRE(index >= 0 && index < static_cast<std::int32_t>(list.size()),
                   "index: expected 0 to ", list.size() - 1, ", got ", index);
    const ListedImplementation& listed = list[static_cast<std::size_t>(index)];
    radial_implementation_info result = radial_implementation_info_init();
    result.name = listed.name.c_str();
    result.description = listed.description.c_str();
    result.unavailable = listed.unavailable.c_str();
    result.device = listed.device == DeviceType::kCpu ? RADIAL_CPU : RADIAL_CUDA;
    result.available = listed.unavailable.empty() ? 1 : 0;
    write_struct(info, result);
  });
}

radial_status radial_chosen_implementation(const radial_plan* plan, const radial_forward_args* args,
                                           const radial_run_options* options, int32_t* index) {
  return guarded([&] {
    required(index, "index");
    const std::string name = chosen_implementation(required(plan, "plan").value,
                                                   forward_args_of(args), run_options_of(options));
    const auto& list = listed_implementations();
    const auto found = std::ranges::find(list, name, &ListedImplementation::name);
    *index = static_cast<std::int32_t>(found - list.begin());
  });
}
