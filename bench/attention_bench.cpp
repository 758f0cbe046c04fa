// Attention on CPUs, ours alone: every implementation this machine can run, forward and backward.
//
// Names: attention_forward/<implementation>/<shape>/<dtype>. Counters: GFLOP/s over the kept blocks
// (4 x pairs x head dim forward, 2.5 times that backward), density. Times are of the wall clock.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <iostream>
#include <random>
#include <vector>

#include "radial/attention/attention.h"
#include "radial/attention/implementation.h"
#include "radial/base/error.h"

namespace radial {
namespace {

struct Shape {
  const char* name;
  VideoLayout layout;
  const char* rule;
  std::int32_t heads, head_dim;
};

const Shape kShapes[] = {
    {"radial_21x30x52_h2_d128", {.frames = 21, .grid_h = 30, .grid_w = 52}, "radial", 2, 128},
    {"radial_21x30x52_h2_d64", {.frames = 21, .grid_h = 30, .grid_w = 52}, "radial", 2, 64},
    {"radial_21x30x52_h8_d128", {.frames = 21, .grid_h = 30, .grid_w = 52}, "radial", 8, 128},
    {"radial_32x30x32_h2_d128", {.frames = 32, .grid_h = 30, .grid_w = 32}, "radial", 2, 128},
    {"radial_32x30x32_h2_d64", {.frames = 32, .grid_h = 30, .grid_w = 32}, "radial", 2, 64},
    {"dense_4k_h2_d128", {.frames = 1, .grid_h = 64, .grid_w = 64}, "dense", 2, 128},
    {"dense_4k_h2_d64", {.frames = 1, .grid_h = 64, .grid_w = 64}, "dense", 2, 64},
    {"dense_16k_h2_d128", {.frames = 4, .grid_h = 64, .grid_w = 64}, "dense", 2, 128},
};

/// Contiguous [1, S, H, D] of random numbers, truncated to the element type.
class Tensor {
 public:
  Tensor(DType dtype, std::int64_t tokens, std::int64_t heads, std::int64_t head_dim, unsigned seed)
      : memory_(static_cast<std::size_t>(tokens * heads * head_dim) * size_of(dtype)) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> value(-2, 2);
    for (std::size_t i = 0; i + size_of(dtype) <= memory_.size(); i += size_of(dtype)) {
      put(dtype, value(random), memory_.data() + i);
    }
    view_ = contiguous_view<void*>(memory_.data(), dtype, {1, tokens, heads, head_dim});
  }
  const TensorView& view() const { return view_; }

 private:
  static void put(DType dtype, float value, char* to) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (dtype == DType::kFloat32) {
      std::copy_n(reinterpret_cast<const char*>(&bits), 4, to);
      return;
    }
    // bfloat16 is the upper half; float16 has another exponent bias.
    const std::uint32_t sign = bits >> 31 << 15, rest = bits & 0x7fffffff;
    const auto half = static_cast<std::uint16_t>(
        dtype == DType::kBFloat16 ? bits >> 16
                                  : sign | (rest < 0x38800000 ? 0 : (rest - 0x38000000) >> 13));
    std::copy_n(reinterpret_cast<const char*>(&half), 2, to);
  }

  std::vector<char> memory_;
  TensorView view_;
};

struct Problem {
  BlockPlan plan;
  Tensor q, k, v, out, dout, dq, dk, dv;
  std::vector<float> lse;

  Problem(const Shape& shape, DType dtype)
      : plan(BlockPlan::build(RadialMask(shape.layout, {.rule = shape.rule}))),
        q(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 1),
        k(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 2),
        v(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 3),
        out(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 4),
        dout(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 5),
        dq(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 6),
        dk(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 7),
        dv(dtype, plan.query_tokens(), shape.heads, shape.head_dim, 8),
        lse(static_cast<std::size_t>(plan.query_tokens() * shape.heads)) {}

  void forward(const RunOptions& options) {
    ForwardArgs args;
    args.q = as_const(q.view()), args.k = as_const(k.view()), args.v = as_const(v.view());
    args.out = out.view();
    args.maybe_lse = lse.data();
    attention_forward(plan, args, options);
  }

  void backward(const RunOptions& options) {
    BackwardArgs args;
    args.q = as_const(q.view()), args.k = as_const(k.view()), args.v = as_const(v.view());
    args.out = as_const(out.view()), args.dout = as_const(dout.view());
    args.lse = lse.data();
    args.dq = dq.view(), args.dk = dk.view(), args.dv = dv.view();
    attention_backward(plan, args, options);
  }
};

void measure(benchmark::State& state, const Shape& shape, DType dtype, std::string_view name,
             bool backward) {
  Problem problem(shape, dtype);
  RunOptions options;
  options.implementation = name;
  problem.forward(options);  // also makes what the backward reads
  for (auto _ : state) backward ? problem.backward(options) : problem.forward(options);
  const double pairs = static_cast<double>(problem.plan.kept_pairs());
  const double work = 4 * pairs * shape.heads * shape.head_dim * (backward ? 2.5 : 1);
  state.counters["GFLOP/s"] = benchmark::Counter(
      work / 1e9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["density"] = problem.plan.stats().density;
}

bool takes(std::string_view implementation, const Shape& shape, DType dtype) {
  const Shape tiny{"", {.frames = 1, .grid_h = 1, .grid_w = 1}, "dense", 1, shape.head_dim};
  RunOptions options;
  options.implementation = implementation;
  try {
    Problem(tiny, dtype).forward(options);
    return true;
  } catch (const Unsupported&) {
    return false;
  }
}

void register_all() {
  for (const bool backward : {false, true}) {
    for (const ImplementationInfo& info : implementations()) {
      if (info.device != DeviceType::kCpu || info.name == "reference") continue;
      if (!info.available) {
        if (!backward) std::cerr << info.name << ": not run, " << info.unavailable << "\n";
        continue;
      }
      for (const Shape& shape : kShapes) {
        for (const DType dtype : {DType::kBFloat16, DType::kFloat16, DType::kFloat32}) {
          if (!takes(info.name, shape, dtype)) continue;
          const std::string name = concat(backward ? "attention_backward/" : "attention_forward/",
                                          info.name, "/", shape.name, "/", name_of(dtype));
          benchmark::RegisterBenchmark(name.c_str(),
                                       [=, &shape](benchmark::State& state) {
                                         measure(state, shape, dtype, info.name, backward);
                                       })
              ->UseRealTime()
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  }
}

}  // namespace
}  // namespace radial

int main(int argc, char** argv) {
  radial::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
