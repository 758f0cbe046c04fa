#include <ATen/DeviceAccelerator.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/benches.h"
#include "bench/dit_run.h"
#include "options/engine_options.h"
#include "options/layout_options.h"
#include "options/option_values.h"
#include "options/rule_options.h"
#include "output/output_file.h"
#include "radial/base/error.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {
namespace {

struct DitRequest {
  LayoutOptions layout;
  RuleOptions rule;
  video::WanConfig config;  // sizes of 14B
  std::string transformer = "wan2.1-14b";
  std::optional<std::int64_t> blocks;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kBFloat16;
  std::optional<std::string> output;
  std::vector<std::string> variants = {"dense", "all-blocks", "masked"};
  int rounds = 3;
  std::uint64_t seed = 1;
  bool json = false;
};

/// A way to do self-attention and what was measured with it, of all blocks of the transformer.
struct Variant {
  std::string name;
  video::AttentionFunction attention;
  std::vector<StepTimes> timed = {}, outside = {};  // passes of the timed blocks, and of no block
  StepTimes whole = {};
  std::optional<std::uint64_t> peak_bytes = {};
};

video::WanConfig wan_sizes(const std::string& name) {
  video::WanConfig config;
  if (name == "wan2.1-14b") return config;
  if (name == "wan2.1-1.3b") {
    config.num_attention_heads = 12;
    config.num_layers = 30;
    config.ffn_dim = 8960;
    return config;
  }
  refuse("--transformer", "wan2.1-14b or wan2.1-1.3b", name);
}

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

void reset_peak(at::Device device) {
  if (!device.is_cpu()) at::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

/// Each variant in turn, round after round, so that all of them meet the same clocks.
void measure(const DitRequest& request, const VideoLayout& layout, std::int64_t blocks,
             std::vector<Variant>& variants) {
  const DitRun timed(request.config, blocks, layout, request.device, request.dtype, request.seed);
  const DitRun outside(request.config, 0, layout, request.device, request.dtype, request.seed);
  for (Variant& variant : variants) {
    reset_peak(request.device);
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
  return line + "\n";
}

/// How many times faster the masked pass is than the fastest dense one.
std::optional<double> speedup_of(const std::vector<Variant>& variants) {
  std::optional<double> dense, masked;
  for (const Variant& variant : variants) {
    std::optional<double>& best = variant.name == "masked" ? masked : dense;
    best = std::min(best.value_or(variant.whole.total), variant.whole.total);
  }
  if (!dense || !masked) return {};
  return *dense / *masked;
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
  const c10::InferenceMode no_gradients;
  std::vector<Variant> variants = variants_of(request, mask);
  measure(request, source.layout, blocks, variants);

  const double density = BlockPlan::build(mask).stats().density;
  const video::WanConfig& config = request.config;
  nlohmann::json report = {{"radial", RADIAL_VERSION},
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
                           {"seed", request.seed}};
  std::string text = concat(
      request.transformer, ", ", layers, " blocks of ", config.num_attention_heads, " heads x ",
      config.attention_head_dim, ", ", c10::toString(request.dtype), " on ", request.device.str(),
      "\n", source.to_string(), "\n", mask.to_string(), ", density ", density, "\n");
  if (blocks < layers) {
    text += concat("one forward, scaled up from ", blocks, " of ", layers, " blocks:\n");
  } else {
    text += "one forward:\n";
  }
  for (const Variant& variant : variants) {
    report["forwards"].push_back(to_json(variant));
    text += line_of(variant);
  }
  if (const auto speedup = speedup_of(variants)) {
    report["speedup"] = *speedup;
    char line[96];
    std::snprintf(line, sizeof(line), "masked is %.2f times as fast as the fastest dense one\n",
                  *speedup);
    text += line;
  }
  if (output) {
    output->write(report.dump(1) + "\n");
    output->commit();
  }
  std::fputs(request.json ? (report.dump(1) + "\n").c_str() : text.c_str(), stdout);
  return kSuccess;
}

void add_transformer_options(CLI::App& app, const std::shared_ptr<DitRequest>& request) {
  OptionGroup group(app, "Transformer");
  group.add_value(
      "--transformer", "NAME",
      [request](const std::string& text) {
        request->config = wan_sizes(text);
        request->transformer = text;
      },
      "Its sizes: wan2.1-14b (default) or wan2.1-1.3b; those below change them");
  const auto add_size = [&](const std::string& name, std::int64_t video::WanConfig::*size,
                            const std::string& help) {
    group.add_value(
        name, "N",
        [request, name, size](const std::string& text) {
          request->config.*size = parse_integer(name, text, {.least = 1, .most = 65536});
          request->transformer = "custom sizes";
        },
        help);
  };
  add_size("--layers", &video::WanConfig::num_layers, "Blocks");
  add_size("--heads", &video::WanConfig::num_attention_heads, "Heads");
  add_size("--head-dim", &video::WanConfig::attention_head_dim, "Channels of a head");
  add_size("--ffn-dim", &video::WanConfig::ffn_dim, "Inner width of the feed-forward");
  add_size("--text-dim", &video::WanConfig::text_dim, "Width of the text's embeddings");
}

void add_run_options(CLI::App& app, const std::shared_ptr<DitRequest>& request) {
  OptionGroup group(app, "Measurement");
  group.add_value(
      "--blocks", "N",
      [request](const std::string& text) {
        request->blocks = parse_integer("--blocks", text, {.least = 1, .most = 65536});
      },
      "Hold and time so many blocks only, and scale up to all");
  group.add_value(
      "--device", "NAME",
      [request](const std::string& text) { request->device = parse_device("--device", text); },
      "cpu (default), cuda or cuda:N");
  group.add_value(
      "--dtype", "NAME",
      [request](const std::string& text) { request->dtype = parse_scalar_type("--dtype", text); },
      "float32, bfloat16 (default) or float16");
  group.add_value(
      "--variants", "LIST",
      [request](const std::string& text) {
        request->variants.clear();
        std::size_t begin = 0;
        while (begin <= text.size()) {
          const std::size_t end = std::min(text.find(',', begin), text.size());
          const std::string name = text.substr(begin, end - begin);
          if (name != "dense" && name != "all-blocks" && name != "masked") {
            refuse("--variants", "dense, all-blocks and masked, separated by commas", text);
          }
          request->variants.push_back(name);
          begin = end + 1;
        }
      },
      "Self-attention to time: dense (torch's own), all-blocks (ours, without a mask), masked; "
      "default: dense,all-blocks,masked");
  group.add_value(
      "--rounds", "N",
      [request](const std::string& text) {
        request->rounds =
            static_cast<int>(parse_integer("--rounds", text, {.least = 1, .most = 1000}));
      },
      "Passes of each to take the median of (default 3)");
  group.add_value(
      "--seed,-s", "N",
      [request](const std::string& text) {
        request->seed = static_cast<std::uint64_t>(parse_integer("--seed", text, {.least = 0}));
      },
      "Seed of the random weights and inputs (default 1)");
  group.add_value(
      "--output,-o", "FILE", [request](const std::string& text) { request->output = text; },
      "Also write the report as JSON");
  group.add_flag(
      "--json", [request] { request->json = true; }, "Print the report as JSON");
}

std::function<int()> add_dit_options(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  radial bench dit --model wan2.1 --size 1280x720 --rule released-v2 --device cuda\n"
      "  radial bench dit --grid 81,45,80 --rule released-v2 --decay-factor 0.2 --device cuda "
      "--blocks 2");
  auto request = std::make_shared<DitRequest>();
  request->layout.add_to(app);
  request->rule.add_to(app);
  add_transformer_options(app, request);
  add_run_options(app, request);
  return [request] { return run_dit(*request); };
}

}  // namespace

Command dit_bench() {
  return {.name = "dit",
          .summary = "Time one pass of a transformer with random weights, dense and under a mask",
          .add_options = add_dit_options};
}

}  // namespace radial::tools
