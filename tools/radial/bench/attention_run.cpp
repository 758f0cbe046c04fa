#include "bench/attention_run.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "radial/base/parallel_for.h"

namespace radial::tools {
namespace {

// The 16-bit types by their bits: inputs are made on the host, so rounding is spelled out here.
std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// Multiples of 2^-8 below 8 in magnitude are float16 numbers, so no rounding is needed.
float on_float16_grid(float value) {
  return std::clamp(std::round(value * 256.0f) / 256.0f, -7.0f, 7.0f);
}
std::uint16_t to_float16(float value) {
  if (value == 0) return 0;
  int exponent = 0;
  const float fraction = std::frexp(std::abs(value), &exponent);  // [0.5, 1)
  const auto mantissa = static_cast<std::uint32_t>(fraction * 2048.0f) & 0x3ff;
  const auto biased = static_cast<std::uint32_t>(exponent + 14);
  return static_cast<std::uint16_t>((value < 0 ? 0x8000u : 0u) | biased << 10 | mantissa);
}
float from_float16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const float magnitude =
      exponent == 0 ? std::ldexp(static_cast<float>(bits & 0x3ff), -24)
                    : std::ldexp(static_cast<float>(0x400 | (bits & 0x3ff)), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

AttentionRun::AttentionRun(BenchDevice& device, const BlockPlan& plan, const AttentionSizes& sizes,
                           std::string implementation, std::uint64_t seed)
    : device_(device), plan_(plan), sizes_(sizes), implementation_(std::move(implementation)) {
  const std::int64_t queries = plan.query_tokens(), keys = plan.key_tokens();
  q_ = make_input(queries, sizes.heads, seed);
  k_ = make_input(keys, sizes.key_heads, seed + 1);
  v_ = make_input(keys, sizes.key_heads, seed + 2);
  dout_ = make_input(queries, sizes.heads, seed + 3);
  out_ = make_output(queries, sizes.heads);
  dq_ = make_output(queries, sizes.heads);
  dk_ = make_output(keys, sizes.key_heads);
  dv_ = make_output(keys, sizes.key_heads);
  lse_ = static_cast<float*>(device.allocate(
      static_cast<std::size_t>(sizes.batch * sizes.heads * queries) * sizeof(float)));

  forward_.q = as_const(q_.view);
  forward_.k = as_const(k_.view);
  forward_.v = as_const(v_.view);
  forward_.out = out_;
  forward_.maybe_lse = lse_;
  backward_.q = forward_.q;
  backward_.k = forward_.k;
  backward_.v = forward_.v;
  backward_.out = as_const(out_);
  backward_.lse = lse_;
  backward_.dout = as_const(dout_.view);
  backward_.dq = dq_;
  backward_.dk = dk_;
  backward_.dv = dv_;
  forward_options_.implementation = implementation_;
  device.prepare(plan, forward_options_);
  backward_options_ = forward_options_;
  const std::size_t forward_bytes = forward_workspace_bytes(plan, forward_, forward_options_);
  const std::size_t backward_bytes = backward_workspace_bytes(plan, backward_, backward_options_);
  if (forward_bytes) forward_options_.workspace = {device.allocate(forward_bytes), forward_bytes};
  if (backward_bytes) {
    backward_options_.workspace = {device.allocate(backward_bytes), backward_bytes};
  }
}

AttentionRun::Tensor AttentionRun::make_input(std::int64_t tokens, std::int32_t heads,
                                              std::uint64_t seed) {
  constexpr std::size_t kChunk = 1 << 16;
  Tensor tensor;
  const std::size_t count = static_cast<std::size_t>(sizes_.batch * tokens * heads) *
                            static_cast<std::size_t>(sizes_.head_dim);
  tensor.host.resize(count);
  std::vector<std::byte> memory(count * size_of(sizes_.dtype));
  const auto chunks = static_cast<std::int64_t>((count + kChunk - 1) / kChunk);
  parallel_for(chunks, 0, [&](std::int64_t chunk, int) {
    std::mt19937_64 random(seed * 1000003 + static_cast<std::uint64_t>(chunk));
    std::normal_distribution<float> normal;
    const std::size_t begin = static_cast<std::size_t>(chunk) * kChunk;
    for (std::size_t i = begin; i < std::min(count, begin + kChunk); ++i) {
      float value = normal(random);
      if (sizes_.dtype == DType::kFloat32) {
        reinterpret_cast<float*>(memory.data())[i] = value;
      } else {
        const bool bfloat16 = sizes_.dtype == DType::kBFloat16;
        if (!bfloat16) value = on_float16_grid(value);
        const std::uint16_t bits = bfloat16 ? to_bfloat16(value) : to_float16(value);
        reinterpret_cast<std::uint16_t*>(memory.data())[i] = bits;
        value = bfloat16 ? from_bfloat16(bits) : value;
      }
      tensor.host[i] = value;
    }
  });
  tensor.view = make_output(tokens, heads);
  device_.copy_in(tensor.view.data, memory.data(), memory.size());
  return tensor;
}

TensorView AttentionRun::make_output(std::int64_t tokens, std::int32_t heads) {
  const std::array<std::int64_t, 4> shape = {sizes_.batch, tokens, heads, sizes_.head_dim};
  const auto count = static_cast<std::size_t>(sizes_.batch * tokens * heads * sizes_.head_dim);
  return contiguous_view<void*>(device_.allocate(count * size_of(sizes_.dtype)), sizes_.dtype,
                                shape, device_.device());
}

void AttentionRun::poison(const TensorView& view) {
  const auto [batch, tokens, heads, head_dim] = view.sizes;
  const std::vector<std::byte> nan(
      static_cast<std::size_t>(batch * tokens * heads * head_dim) * size_of(view.dtype),
      std::byte{0xff});
  device_.copy_in(view.data, nan.data(), nan.size());
}

std::vector<float> AttentionRun::fetch(const TensorView& view) {
  const auto [batch, tokens, heads, head_dim] = view.sizes;
  const auto count = static_cast<std::size_t>(batch * tokens * heads * head_dim);
  std::vector<float> values(count);
  if (view.dtype == DType::kFloat32) {
    device_.copy_out(values.data(), view.data, count * sizeof(float));
    return values;
  }
  std::vector<std::uint16_t> bits(count);
  device_.copy_out(bits.data(), view.data, count * sizeof(std::uint16_t));
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = view.dtype == DType::kBFloat16 ? from_bfloat16(bits[i]) : from_float16(bits[i]);
  }
  return values;
}

SampledErrors AttentionRun::check(int samples, std::uint64_t seed) {
  for (const TensorView* view : {&out_, &dq_, &dk_, &dv_}) poison(*view);
  forward();
  backward();
  std::vector<float> lse(
      static_cast<std::size_t>(sizes_.batch * sizes_.heads * plan_.query_tokens()));
  device_.copy_out(lse.data(), lse_, lse.size() * sizeof(float));
  const HostResults host{.plan = plan_,
                         .sizes = sizes_,
                         .q = q_.host,
                         .k = k_.host,
                         .v = v_.host,
                         .dout = dout_.host,
                         .out = fetch(out_),
                         .lse = std::move(lse),
                         .dq = fetch(dq_),
                         .dk = fetch(dk_),
                         .dv = fetch(dv_)};
  return sampled_errors(host, samples, seed);
}

}  // namespace radial::tools
