#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/benches.h"
#include "bench/dit_request.h"
#include "bench/dit_run.h"
#include "bench/dit_training.h"
#include "options/engine_options.h"
#include "options/layout_options.h"
#include "options/option_values.h"
#include "options/rule_options.h"
#include "output/output_file.h"
#include "radial/base/error.h"
#include "video/nn/token_ops.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {
namespace {

/// A way to do self-attention and what was measured with it, of all blocks of the transformer.
struct Variant {
  std::string name;
  video::AttentionFunction attention;
  std::vector<StepTimes> timed = {}, outside = {};  // passes of the timed blocks, and of no block
  StepTimes whole = {};
  std::optional<DitRun::GraphTimes> graph = {};
  std::optional<std::uint64_t> peak_bytes = {};
};

StepTimes median(std::vector<StepTimes> passes) {
  std::ranges::sort(passes, {}, &StepTimes::total);
  return passes[passes.size() / 2];
}

/// `outside` and as many times what the timed blocks add to it.
StepTimes scaled(const StepTimes& timed, const StepTimes& outside, double factor) {
  const auto one = [&](double StepTimes::*part) {
    return outside.*part + (timed.*part - outside.*part) * factor;
  };
  return {.total = one(&StepTimes::total),
          .self_attention = one(&StepTimes::self_attention),
          .cross_attention = one(&StepTimes::cross_attention),
          .products = one(&StepTimes::products)};
}

std::vector<Variant> variants_of(const DitRequest& request, const RadialMask& mask) {
  std::vector<Variant> variants;
  for (const std::string& name : request.variants) {
    if (name == "dense") variants.push_back({.name = name, .attention = video::dense_attention});
    if (name == "all-blocks") {
      const RadialMask all(mask.layout(),
                           {.rule = "dense", .block_size = mask.options().block_size});
      variants.push_back(
          {.name = name, .attention = video::planned_attention(torch_ops::PlanHandle::build(all))});
    }
    if (name == "masked") {
      variants.push_back(
          {.name = name,
           .attention = video::planned_attention(torch_ops::PlanHandle::build(mask))});
    }
  }
  return variants;
}

/// The same of passes that are replayed from CUDA graphs.
void measure_graphs(const DitRequest& request, const DitRun& timed, const DitRun& outside,
                    double factor, std::vector<Variant>& variants) {
  for (Variant& variant : variants) {
    video::release_unused_memory(request.device);
    const auto whole = timed.time_graph(variant.attention, request.rounds);
    const auto around = outside.time_graph(variant.attention, request.rounds);
    variant.graph = {around.queued + (whole.queued - around.queued) * factor,
                     around.replayed + (whole.replayed - around.replayed) * factor};
  }
}

/// Each variant in turn, round after round, so that all of them meet the same clocks.
void measure(const DitRequest& request, const VideoLayout& layout, std::int64_t blocks,
             std::vector<Variant>& variants) {
  const DitRun timed(request.config, blocks, layout, request.device, request.dtype, request.seed);
  const DitRun outside(request.config, 0, layout, request.device, request.dtype, request.seed);
  for (Variant& variant : variants) {
    video::reset_peak_device_memory(request.device);
    timed.check_finite(variant.attention);
    variant.peak_bytes = video::peak_device_memory(request.device);
    outside.check_finite(variant.attention);
  }
  for (int round = 0; round < request.rounds; ++round) {
    for (Variant& variant : variants) {
      variant.timed.push_back(timed.forward(variant.attention));
      variant.outside.push_back(outside.forward(variant.attention));
    }
  }
  const double factor =
      static_cast<double>(request.config.num_layers) / static_cast<double>(blocks);
  for (Variant& variant : variants) {
    variant.whole = scaled(median(variant.timed), median(variant.outside), factor);
  }
  if (request.cuda_graph) measure_graphs(request, timed, outside, factor, variants);
}

nlohmann::json to_json(const StepTimes& times) {
  return {{"total_ms", times.total},
          {"self_attention_ms", times.self_attention},
          {"cross_attention_ms", times.cross_attention},
          {"products_ms", times.products},
          {"rest_ms", times.rest()},
          {"rest_share", times.rest() / times.total}};
}

nlohmann::json to_json(const Variant& variant) {
  nlohmann::json json = to_json(variant.whole);
  json["attention"] = variant.name;
  json["measured"] = to_json(median(variant.timed));
  json["outside_blocks"] = to_json(median(variant.outside));
  for (const StepTimes& pass : variant.timed) json["passes_ms"].push_back(pass.total);
  if (variant.peak_bytes) json["peak_device_bytes"] = *variant.peak_bytes;
  if (variant.graph) {
    json["unmarked_ms"] = variant.graph->queued;
    json["cuda_graph_ms"] = variant.graph->replayed;
  }
  return json;
}

std::string line_of(const Variant& variant) {
  const StepTimes& t = variant.whole;
  char text[256];
  std::snprintf(text, sizeof(text),
                "%-10s %10.1f ms: self-attention %.1f, cross-attention %.1f, products %.1f, rest "
                "%.1f (%.1f %%)",
                variant.name.c_str(), t.total, t.self_attention, t.cross_attention, t.products,
                t.rest(), 100 * t.rest() / t.total);
  std::string line = text;
  if (variant.peak_bytes) {
    std::snprintf(text, sizeof(text), ", peak %.2f GB",
                  static_cast<double>(*variant.peak_bytes) * 1e-9);
    line += text;
  }
  if (variant.graph) {
    std::snprintf(text, sizeof(text),
                  "\n           %10.1f ms without the marks of that split, %.1f as a CUDA graph",
                  variant.graph->queued, variant.graph->replayed);
    line += text;
  }
  return line + "\n";
}

/// How many times faster the masked pass is than the fastest dense one.
std::optional<double> speedup_of(const std::vector<Variant>& variants,
                                 const std::function<double(const Variant&)>& time) {
  std::optional<double> dense, masked;
  for (const Variant& variant : variants) {
    std::optional<double>& best = variant.name == "masked" ? masked : dense;
    best = std::min(best.value_or(time(variant)), time(variant));
  }
  if (!dense || !masked) return {};
  return *dense / *masked;
}

struct Report {
  nlohmann::json json;
  std::string text;

  int finish(const DitRequest& request, OutputFile* maybe_output) const {
    if (maybe_output) {
      maybe_output->write(json.dump(1) + "\n");
      maybe_output->commit();
    }
    std::fputs(request.json ? (json.dump(1) + "\n").c_str() : text.c_str(), stdout);
    return kSuccess;
  }
};

Report head_of(const DitRequest& request, const ResolvedLayout& source, const RadialMask& mask,
               std::int64_t blocks) {
  const double density = BlockPlan::build(mask).stats().density;
  const video::WanConfig& config = request.config;
  const std::int64_t layers = config.num_layers;
  return {{{"radial", RADIAL_VERSION},
           {"transformer", request.transformer},
           {"layers", layers},
           {"blocks_timed", blocks},
           {"heads", config.num_attention_heads},
           {"head_dim", config.attention_head_dim},
           {"ffn_dim", config.ffn_dim},
           {"tokens", source.layout.total_tokens()},
           {"video", source.to_string()},
           {"mask", mask.to_string()},
           {"density", density},
           {"device", request.device.str()},
           {"dtype", c10::toString(request.dtype)},
           {"rounds", request.rounds},
           {"seed", request.seed}},
          concat(request.transformer, ", ", layers, " blocks of ", config.num_attention_heads,
                 " heads x ", config.attention_head_dim, ", ", c10::toString(request.dtype), " on ",
                 request.device.str(), "\n", source.to_string(), "\n", mask.to_string(),
                 ", density ", density, "\n")};
}

void add_forwards(const DitRequest& request, std::int64_t blocks,
                  const std::vector<Variant>& variants, Report& report) {
  const std::int64_t layers = request.config.num_layers;
  report.text += blocks < layers
                     ? concat("one forward, scaled up from ", blocks, " of ", layers, " blocks:\n")
                     : "one forward:\n";
  for (const Variant& variant : variants) {
    report.json["forwards"].push_back(to_json(variant));
    report.text += line_of(variant);
  }
  const auto add_speedup = [&](const char* key, const char* how, const auto& time) {
    const auto speedup = speedup_of(variants, time);
    if (!speedup) return;
    report.json[key] = *speedup;
    char line[96];
    std::snprintf(line, sizeof(line), "%smasked is %.2f times as fast as the fastest dense one\n",
                  how, *speedup);
    report.text += line;
  };
  add_speedup("speedup", "", [](const Variant& variant) { return variant.whole.total; });
  if (std::ranges::all_of(variants, [](const Variant& v) { return v.graph.has_value(); })) {
    add_speedup("cuda_graph_speedup", "as CUDA graphs ",
                [](const Variant& variant) { return variant.graph->replayed; });
  }
}

void add_training(const DitRequest& request, const VideoLayout& layout, std::int64_t blocks,
                  const std::vector<Variant>& variants, Report& report) {
  video::use_fused_kernels(request.fused_gradients ? video::FusedKernels::kAlways
                                                   : video::FusedKernels::kWithoutGradients);
  DitTraining training(request.config, blocks, layout, request.device, request.dtype, request.seed,
                       request.training);
  report.json["low_rank"] = request.training.rank;
  report.json["recompute_every"] = request.training.recompute_every;
  report.json["fused_gradients"] = request.fused_gradients;
  report.text += concat("one training step of changes of rank ", request.training.rank, ", ",
                        blocks, " blocks held:\n");
  std::vector<std::vector<TrainingTimes>> all(variants.size());
  for (const Variant& variant : variants) training.step(variant.attention);
  for (int round = 0; round < request.rounds; ++round) {
    for (std::size_t i = 0; i < variants.size(); ++i) {
      all[i].push_back(training.step(variants[i].attention));
    }
  }
  for (std::size_t i = 0; i < variants.size(); ++i) {
    std::ranges::sort(all[i], {}, &TrainingTimes::total);
    const TrainingTimes& step = all[i][all[i].size() / 2];
    report.json["steps"].push_back({{"attention", variants[i].name},
                                    {"total_ms", step.total()},
                                    {"forward_ms", step.forward},
                                    {"backward_ms", step.backward}});
    if (step.peak_bytes) report.json["steps"].back()["peak_device_bytes"] = *step.peak_bytes;
    char line[160];
    std::snprintf(line, sizeof(line),
                  "%-10s %10.1f ms: forward %.1f, backward %.1f, peak %.2f GB\n",
                  variants[i].name.c_str(), step.total(), step.forward, step.backward,
                  static_cast<double>(step.peak_bytes.value_or(0)) * 1e-9);
    report.text += line;
  }
}

int run_dit(const DitRequest& request) {
  require_device("--device", request.device);
  const ResolvedLayout source = request.layout.resolve(request.rule.block_size());
  RADIAL_REQUIRE(source.layout.total_tokens() == source.layout.video_tokens(),
                 "layout: expected video tokens alone, got ", source.layout.to_string());
  const RadialMask mask(source.layout, request.rule.resolve(source.layout, source.maybe_model));
  const std::unique_ptr<OutputFile> output =
      request.output ? std::make_unique<OutputFile>("--output", *request.output) : nullptr;
  const std::int64_t layers = request.config.num_layers, blocks = request.blocks.value_or(layers);
  if (blocks > layers) refuse("--blocks", concat("1 to ", layers), concat(blocks));
  if (request.cuda_graph && !request.device.is_cuda()) {
    refuse("--cuda-graph", "--device cuda", request.device.str());
  }
  std::vector<Variant> variants = variants_of(request, mask);
  Report report = head_of(request, source, mask, blocks);
  if (request.training_step) {
    add_training(request, source.layout, blocks, variants, report);
  } else {
    const c10::InferenceMode no_gradients;
    measure(request, source.layout, blocks, variants);
    add_forwards(request, blocks, variants, report);
  }
  return report.finish(request, output.get());
}

std::function<int()> add_dit_options(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  radial bench dit --model wan2.1 --size 1280x720 --rule released-v2 --device cuda\n"
      "  radial bench dit --grid 81,45,80 --rule released-v2 --decay-factor 0.2 --device cuda "
      "--blocks 2");
  auto request = std::make_shared<DitRequest>();
  add_dit_request_options(app, request);
  return [request] { return run_dit(*request); };
}

}  // namespace

Command dit_bench() {
  return {.name = "dit",
          .summary = "Time one pass of a transformer with random weights, dense and under a mask",
          .add_options = add_dit_options};
}

}  // namespace radial::tools
