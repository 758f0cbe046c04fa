// Plain loops: what the kernels compute, in words that a CPU understands. The engine does not use
// them, since torch's own operators are as fast there.

#include <cmath>
#include <type_traits>
#include <vector>

#include "base/number_types.h"
#include "fused/channel_math.h"
#include "fused/on_device.h"
#include "radial/base/parallel_for.h"

namespace radial::fused {
namespace {

template <typename Body>
void with_element(DType dtype, Body&& body) {
  if (dtype == DType::kBFloat16) return body(std::type_identity<BFloat16>{});
  if (dtype == DType::kFloat16) return body(std::type_identity<Float16>{});
  body(std::type_identity<float>{});
}

template <typename Element>
const Element* row_of(const ConstTensorView& view, std::int64_t b, std::int64_t token) {
  return static_cast<const Element*>(view.data) + b * view.strides[0] + token * view.strides[1];
}

template <typename Element>
Element* row_of(const TensorView& view, std::int64_t b, std::int64_t token) {
  return static_cast<Element*>(view.data) + b * view.strides[0] + token * view.strides[1];
}

std::int64_t channels_of(const ConstTensorView& view) { return view.sizes[2] * view.sizes[3]; }

template <typename Body>
void for_each_token(const ConstTensorView& x, int num_threads, const Body& body) {
  parallel_for(x.sizes[0] * x.sizes[1], num_threads,
               [&](std::int64_t row, int) { body(row / x.sizes[1], row % x.sizes[1]); });
}

template <typename Element>
void norm_rotary_token(const NormRotaryArgs& part, std::int64_t b, std::int64_t token) {
  const auto round = [](float value) { return to_float(from_float<Element>(value)); };
  const std::int64_t channels = channels_of(part.x), head_dim = part.x.sizes[3];
  const Element* x = row_of<Element>(part.x, b, token);
  std::vector<float> values(static_cast<std::size_t>(channels));
  for (std::int64_t i = 0; i < channels; ++i) values[static_cast<std::size_t>(i)] = to_float(x[i]);
  if (part.maybe_weight) {
    const auto* weight = static_cast<const Element*>(part.maybe_weight);
    float squares = 0;
    for (const float value : values) squares += value * value;
    const float inverse =
        1 / std::sqrt(squares / static_cast<float>(channels) + static_cast<float>(part.eps));
    for (float& value : values) value = rms_normed(value, inverse, to_float(*weight++), round);
  }
  if (part.maybe_rotation) {
    const float* rotation = part.maybe_rotation + token * head_dim;
    for (std::int64_t i = 0; i < channels; i += 2) {
      const float* angle = rotation + i % head_dim;
      turn(values[static_cast<std::size_t>(i)], values[static_cast<std::size_t>(i + 1)], angle[0],
           angle[1]);
    }
  }
  Element* out = row_of<Element>(part.out, b, token);
  for (const float value : values) *out++ = from_float<Element>(value);
}

template <typename Element>
void layer_norm_token(const LayerNormArgs& args, std::int64_t b, std::int64_t token) {
  const std::int64_t channels = channels_of(args.x);
  const auto count = static_cast<float>(channels);
  const float* x = row_of<float>(args.x, b, token);
  if (args.maybe_branch.data != nullptr) {
    const Element* branch = row_of<Element>(args.maybe_branch, b, token);
    const float* gate = args.maybe_gate ? args.maybe_gate + b * args.gate_stride : nullptr;
    float* y = row_of<float>(args.sum, b, token);
    for (std::int64_t i = 0; i < channels; ++i) {
      y[i] = gated(x[i], to_float(branch[i]), gate ? gate[i] : 1);
    }
    x = y;
  }
  float sum = 0, squares = 0;
  for (std::int64_t i = 0; i < channels; ++i) sum += x[i];
  const float mean = sum / count;
  for (std::int64_t i = 0; i < channels; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float inverse = 1 / std::sqrt(squares / count + static_cast<float>(args.eps));
  const float* scale = args.scale + b * args.scale_stride;
  const float* shift = args.shift + b * args.shift_stride;
  Element* out = row_of<Element>(args.out, b, token);
  for (std::int64_t i = 0; i < channels; ++i) {
    const float factor = static_cast<float>(args.scale_offset) + scale[i];
    out[i] = from_float<Element>(modulated(x[i], mean, inverse, factor, shift[i]));
  }
}

}  // namespace

void norm_rotary_on_cpu(std::span<const NormRotaryArgs> parts, int num_threads) {
  for (const NormRotaryArgs& part : parts) {
    with_element(part.x.dtype, [&]<typename Element>(std::type_identity<Element>) {
      for_each_token(part.x, num_threads, [&](std::int64_t b, std::int64_t token) {
        norm_rotary_token<Element>(part, b, token);
      });
    });
  }
}

void layer_norm_on_cpu(const LayerNormArgs& args, int num_threads) {
  with_element(args.out.dtype, [&]<typename Element>(std::type_identity<Element>) {
    for_each_token(args.x, num_threads, [&](std::int64_t b, std::int64_t token) {
      layer_norm_token<Element>(args, b, token);
    });
  });
}

void gated_residual_on_cpu(const GatedResidualArgs& args, int num_threads) {
  with_element(args.branch.dtype, [&]<typename Element>(std::type_identity<Element>) {
    for_each_token(args.x, num_threads, [&](std::int64_t b, std::int64_t token) {
      const float* x = row_of<float>(args.x, b, token);
      const Element* branch = row_of<Element>(args.branch, b, token);
      const float* gate = args.gate + b * args.gate_stride;
      float* out = row_of<float>(args.out, b, token);
      for (std::int64_t i = 0; i < channels_of(args.x); ++i) {
        out[i] = gated(x[i], to_float(branch[i]), gate[i]);
      }
    });
  });
}

}  // namespace radial::fused
