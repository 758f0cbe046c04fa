#include "radial/fused/fused_ops.h"

#include <cmath>
#include <initializer_list>
#include <string_view>

#include "fused/on_device.h"
#include "radial/base/error.h"

namespace radial {
namespace {

template <typename Pointer>
void check_view(std::string_view name, const BasicTensorView<Pointer>& view,
                const ConstTensorView& model, std::initializer_list<DType> dtypes) {
  RADIAL_REQUIRE(view.data != nullptr, name, ": expected memory, got a null pointer");
  bool known = false;
  for (const DType dtype : dtypes) known |= view.dtype == dtype;
  RADIAL_REQUIRE(known, name, ": expected ", name_of(*dtypes.begin()),
                 dtypes.size() > 1 ? " or a 16-bit type" : "", ", got ", name_of(view.dtype));
  RADIAL_REQUIRE(view.device == model.device, name, ": expected a tensor on the device of x");
  for (const std::int64_t size : view.sizes) {
    RADIAL_REQUIRE(size > 0, name, ": expected sizes of at least 1, got ", size);
  }
  RADIAL_REQUIRE(view.sizes == model.sizes, name, ": expected the sizes of x");
  const bool adjacent = view.sizes[2] == 1 || view.strides[2] == view.sizes[3];
  RADIAL_REQUIRE(view.strides[3] == 1 && adjacent, name,
                 ": expected the channels of a token one after another, got strides ",
                 view.strides[2], " and ", view.strides[3]);
}

void check_eps(double eps) {
  RADIAL_REQUIRE(std::isfinite(eps) && eps >= 0, "eps: expected a number of at least 0, got ", eps);
}

void check_row(std::string_view name, const float* row) {
  RADIAL_REQUIRE(row != nullptr, name, ": expected memory, got a null pointer");
}

bool on_cpu(const ConstTensorView& view) { return view.device.type == DeviceType::kCpu; }

}  // namespace

void norm_rotary(std::span<const NormRotaryArgs> parts, const FusedOptions& options) {
  RADIAL_REQUIRE(parts.size() == 1 || parts.size() == 2, "parts: expected 1 or 2, got ",
                 parts.size());
  for (const NormRotaryArgs& part : parts) {
    const ConstTensorView& first = parts[0].x;
    check_view("x", part.x, first, {DType::kFloat32, DType::kBFloat16, DType::kFloat16});
    check_view("out", part.out, first, {first.dtype});
    RADIAL_REQUIRE(part.x.dtype == first.dtype, "x: expected all parts in ", name_of(first.dtype),
                   ", got ", name_of(part.x.dtype));
    RADIAL_REQUIRE(part.maybe_rotation == nullptr || part.x.sizes[3] % 2 == 0,
                   "x: expected an even head dim, got ", part.x.sizes[3]);
    check_eps(part.eps);
  }
  if (on_cpu(parts[0].x)) {
    fused::norm_rotary_on_cpu(parts, options.num_threads);
  } else {
    fused::norm_rotary_on_cuda(parts, options.stream);
  }
}

void layer_norm_modulated(const LayerNormArgs& args, const FusedOptions& options) {
  check_view("x", args.x, args.x, {DType::kFloat32});
  check_view("out", args.out, args.x, {DType::kFloat32, DType::kBFloat16, DType::kFloat16});
  check_row("scale", args.scale);
  check_row("shift", args.shift);
  check_eps(args.eps);
  if (args.maybe_branch.data != nullptr) {
    check_view("branch", args.maybe_branch, args.x, {args.out.dtype});
    check_view("sum", args.sum, args.x, {DType::kFloat32});
  }
  if (on_cpu(args.x)) {
    fused::layer_norm_on_cpu(args, options.num_threads);
  } else {
    fused::layer_norm_on_cuda(args, options.stream);
  }
}

void gated_residual(const GatedResidualArgs& args, const FusedOptions& options) {
  check_view("x", args.x, args.x, {DType::kFloat32});
  check_view("branch", args.branch, args.x, {DType::kFloat32, DType::kBFloat16, DType::kFloat16});
  check_view("out", args.out, args.x, {DType::kFloat32});
  check_row("gate", args.gate);
  if (on_cpu(args.x)) {
    fused::gated_residual_on_cpu(args, options.num_threads);
  } else {
    fused::gated_residual_on_cuda(args, options.stream);
  }
}

}  // namespace radial
