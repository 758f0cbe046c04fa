// Time to build a plan on one core, and how the kept blocks grow with the frames.
//
// Counters: kept_blocks; blocks_per_frame; per_log2 = kept blocks per frame over log2(frames),
// which stays near a constant where the cost is n log n.

#include <benchmark/benchmark.h>

#include <cmath>

#include "radial/base/error.h"
#include "radial/plan/block_plan.h"

namespace radial {
namespace {

void build_plan(benchmark::State& state, const VideoLayout& layout, const MaskOptions& options) {
  std::int64_t kept = 0;
  double density = 0;
  for (auto _ : state) {
    const BlockPlan plan = BlockPlan::build(RadialMask(layout, options));
    kept = plan.stats().kept_blocks;
    density = plan.stats().density;
    benchmark::DoNotOptimize(kept);
  }
  const double per_frame = static_cast<double>(kept) / layout.frames;
  state.counters["tokens"] = static_cast<double>(layout.total_tokens());
  state.counters["kept_blocks"] = static_cast<double>(kept);
  state.counters["density"] = density;
  state.counters["blocks_per_frame"] = per_frame;
  if (layout.frames > 1) state.counters["per_log2"] = per_frame / std::log2(layout.frames);
}

void add(const std::string& name, const VideoLayout& layout, const MaskOptions& options) {
  benchmark::RegisterBenchmark(name.c_str(), [layout, options](benchmark::State& state) {
    build_plan(state, layout, options);
  })->Unit(benchmark::kMillisecond);
}

void register_all() {
  for (const char* rule : {"radial", "released-v2"}) {
    const MaskOptions options{.rule = rule, .decay_factor = 0.2};
    for (const std::int32_t frames : {21, 84, 834}) {
      add(concat("build/", rule, "/", frames, "x45x80"),
          {.frames = frames, .grid_h = 45, .grid_w = 80}, options);
    }
    // About 302,400 tokens cut in frames of every kind.
    const std::int32_t shapes[][3] = {{302400, 1, 1}, {9450, 4, 8},  {3024, 10, 10}, {2362, 8, 16},
                                      {1181, 16, 16}, {604, 1, 501}, {301, 1, 1005}, {150, 2016, 1},
                                      {84, 45, 80},   {37, 64, 128}, {9, 160, 210},  {1, 420, 720}};
    for (const auto& [frames, grid_h, grid_w] : shapes) {
      add(concat("frame_size/", rule, "/", frames, "x", grid_h, "x", grid_w),
          {.frames = frames, .grid_h = grid_h, .grid_w = grid_w}, options);
    }
    for (const std::int32_t frames : {8, 16, 32, 64, 128, 256, 512, 1000}) {
      add(concat("growth/", rule, "/", frames, "x30x52"),
          {.frames = frames, .grid_h = 30, .grid_w = 52}, options);
    }
  }
  for (const RuleInfo& rule : mask_rules()) {
    add(concat("rules/", rule.name, "/84x45x80"), {.frames = 84, .grid_h = 45, .grid_w = 80},
        {.rule = rule.name});
  }
  for (const char* rule : {"radial", "disc", "sliding-tile"}) {
    add(concat("tiled/", rule, "/84x45x80"),
        {.frames = 84, .grid_h = 45, .grid_w = 80, .order = TokenOrder::tiled(8, 16)},
        {.rule = rule});
  }
}

}  // namespace
}  // namespace radial

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  radial::register_all();
  benchmark::RunSpecifiedBenchmarks();
}
