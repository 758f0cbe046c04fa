#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/attention_run.h"
#include "bench/benches.h"
#include "command.h"
#include "options/layout_options.h"
#include "options/option_values.h"
#include "options/rule_options.h"
#include "output/output_file.h"
#include "radial/base/error.h"
#include "version.h"

namespace radial::tools {
namespace {

struct BenchRequest {
  LayoutOptions layout;
  RuleOptions rule;
  AttentionSizes sizes;
  std::optional<std::int32_t> key_heads;
  std::string device = "cpu", implementation;
  std::optional<std::string> output;
  int num_threads = 0, rounds = 10, samples = 8;
  double window_ms = 150;
  std::uint64_t seed = 1;
  bool json = false;
};

/// One direction's figures; TFLOP/s count kept pairs, 4 D operations each forward, 10 D backward.
struct Measurement {
  std::string name;
  double median_ms, least_ms, most_ms, tflops, burst_ms, burst_tflops;
  int repeats;
  std::string state;
  std::optional<double> host_us;  // on a GPU, of short calls
};

constexpr double kShortCallMs = 0.5;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Windows of back-to-back calls (hot), then single calls after an idle pause (burst).
Measurement measure(const BenchRequest& request, BenchDevice& device, const std::string& name,
                    double flops, const std::function<void()>& call) {
  device.time(1, call);
  const double once = device.time(1, call);
  const int repeats =
      std::clamp(static_cast<int>(request.window_ms / std::max(once, 1e-3)) + 1, 1, 1000);
  std::vector<double> windows;
  for (int round = 0; round < request.rounds; ++round) {
    windows.push_back(device.time(repeats, call));
  }
  const std::string state = device.state();
  std::vector<double> bursts;
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    bursts.push_back(device.time(1, call));
  }
  const double hot = median(windows), burst = median(bursts);
  return {name,
          hot,
          std::ranges::min(windows),
          std::ranges::max(windows),
          flops / hot * 1e-9,
          burst,
          flops / burst * 1e-9,
          repeats,
          state,
          hot < kShortCallMs ? device.host_us(call) : std::nullopt};
}

std::unique_ptr<BenchDevice> open_device(const BenchRequest& request) {
  const std::string& name = request.device;
  if (name == "cpu") return cpu_bench_device(request.num_threads);
  if (name == "cuda") return cuda_bench_device(0);
  if (name.starts_with("cuda:")) {
    return cuda_bench_device(
        static_cast<int>(parse_integer("--device", name.substr(5), {.least = 0, .most = 63})));
  }
  refuse("--device", "cpu, cuda or cuda:N", name);
}

nlohmann::json to_json(const Measurement& m) {
  nlohmann::json json = {{"direction", m.name},
                         {"median_ms", m.median_ms},
                         {"min_ms", m.least_ms},
                         {"max_ms", m.most_ms},
                         {"tflops", m.tflops},
                         {"burst_ms", m.burst_ms},
                         {"burst_tflops", m.burst_tflops},
                         {"calls_per_window", m.repeats},
                         {"state_after", m.state}};
  if (m.host_us) json["host_us"] = *m.host_us;
  return json;
}

int run_bench(const BenchRequest& request) {
  const ResolvedLayout source = request.layout.resolve(request.rule.block_size());
  AttentionSizes sizes = request.sizes;
  sizes.key_heads = request.key_heads.value_or(sizes.heads);
  const std::unique_ptr<BenchDevice> device = open_device(request);
  const std::unique_ptr<OutputFile> output =
      request.output ? std::make_unique<OutputFile>("--output", *request.output) : nullptr;
  const RadialMask mask(source.layout, request.rule.resolve(source.layout, source.maybe_model));
  const BlockPlan plan = BlockPlan::build(mask);
  AttentionRun run(*device, plan, sizes, request.implementation, request.seed);
  const std::string implementation = run.implementation();

  nlohmann::json report = {{"radial", RADIAL_VERSION},
                           {"device", device->description()},
                           {"implementation", implementation},
                           {"mask", mask.to_string()},
                           {"density", plan.stats().density},
                           {"kept_blocks", plan.stats().kept_blocks},
                           {"batch", sizes.batch},
                           {"heads", sizes.heads},
                           {"key_heads", sizes.key_heads},
                           {"head_dim", sizes.head_dim},
                           {"dtype", std::string(name_of(sizes.dtype))},
                           {"rounds", request.rounds},
                           {"window_ms", request.window_ms},
                           {"seed", request.seed}};
  std::string text = fmt::format(
      "{} on {}\n{}\n{} heads, head dim {}, {}, {} kept blocks ({:.4f})\n", implementation,
      device->description(), mask.to_string(), sizes.heads, sizes.head_dim, name_of(sizes.dtype),
      plan.stats().kept_blocks, plan.stats().density);
  if (request.samples > 0) {
    const SampledErrors errors = run.check(request.samples, request.seed);
    report["relative_error"] = {{"out", errors.out},
                                {"lse", errors.lse},
                                {"dq", errors.dq},
                                {"dk", errors.dk},
                                {"dv", errors.dv}};
    text += fmt::format(
        "relative error of sampled rows: out {:.1e}, lse {:.1e}, dq {:.1e}, dk "
        "{:.1e}, dv {:.1e}\n",
        errors.out, errors.lse, errors.dq, errors.dk, errors.dv);
  }
  double pairs = 0;
  for (std::int32_t head = 0; head < sizes.heads; ++head) {
    pairs += static_cast<double>(sizes.batch) * static_cast<double>(plan.kept_pairs(head));
  }
  const double flops = 4.0 * pairs * sizes.head_dim;
  for (const bool backward : {false, true}) {
    const Measurement m =
        measure(request, *device, backward ? "backward" : "forward", backward ? 2.5 * flops : flops,
                [&] { backward ? run.backward() : run.forward(); });
    report["measurements"].push_back(to_json(m));
    text += fmt::format(
        "{:<9} hot {:9.3f} ms {:7.2f} TFLOP/s [{:.3f} .. {:.3f}], burst {:9.3f} ms "
        "{:7.2f} TFLOP/s{}{}{}\n",
        m.name, m.median_ms, m.tflops, m.least_ms, m.most_ms, m.burst_ms, m.burst_tflops,
        m.state.empty() ? "" : ", ", m.state,
        m.host_us ? fmt::format(", host {:.1f} us a call", *m.host_us) : "");
  }
  if (output) {
    output->write(report.dump(1) + "\n");
    output->commit();
  }
  std::fputs(request.json ? (report.dump(1) + "\n").c_str() : text.c_str(), stdout);
  return kSuccess;
}

void add_problem_options(CLI::App& app, BenchRequest& request) {
  OptionGroup group(app, "Problem");
  const auto add_count = [&](const std::string& name, auto& target, const std::string& help) {
    group.add_value(
        name, "N",
        [&target, name](const std::string& text) {
          target =
              static_cast<std::int32_t>(parse_integer(name, text, {.least = 1, .most = 65535}));
        },
        help);
  };
  add_count("--batch", request.sizes.batch, "Samples (default 1)");
  add_count("--heads", request.sizes.heads, "Heads (default 12)");
  add_count("--key-heads", request.key_heads, "Heads of k and v; default: as many");
  add_count("--head-dim", request.sizes.head_dim, "Head dim (default 128)");
  group.add_value(
      "--dtype", "NAME", [&](const std::string& text) { request.sizes.dtype = parse_dtype(text); },
      "float32, bfloat16 (default) or float16");
  group.add_value(
      "--seed,-s", "N",
      [&](const std::string& text) {
        request.seed = static_cast<std::uint64_t>(parse_integer("--seed", text, {.least = 0}));
      },
      "Seed of the random inputs (default 1)");
}

void add_run_options(CLI::App& app, BenchRequest& request) {
  OptionGroup group(app, "Measurement");
  group.add_value(
      "--device", "NAME", [&](const std::string& text) { request.device = text; },
      "cpu (default), cuda or cuda:N");
  group.add_value(
      "--implementation", "NAME", [&](const std::string& text) { request.implementation = text; },
      "Force one implementation; 'radial --version' lists them");
  group.add_value(
      "--threads", "N",
      [&](const std::string& text) {
        request.num_threads =
            static_cast<int>(parse_integer("--threads", text, {.least = 1, .most = 4096}));
      },
      "Threads of the CPU; default: OMP_NUM_THREADS, else all");
  group.add_value(
      "--rounds", "N",
      [&](const std::string& text) {
        request.rounds =
            static_cast<int>(parse_integer("--rounds", text, {.least = 1, .most = 1000}));
      },
      "Windows to take the median of (default 10)");
  group.add_value(
      "--window-ms", "MS",
      [&](const std::string& text) {
        request.window_ms = parse_number("--window-ms", text, 0, 60000);
      },
      "Length of a window of back-to-back calls (default 150)");
  group.add_value(
      "--check-rows", "N",
      [&](const std::string& text) {
        request.samples =
            static_cast<int>(parse_integer("--check-rows", text, {.least = 0, .most = 4096}));
      },
      "Rows to compare with double precision first (default 8; 0: none)");
  group.add_value(
      "--output,-o", "FILE", [&](const std::string& text) { request.output = text; },
      "Also write the report as JSON");
  group.add_flag(
      "--json", [&] { request.json = true; }, "Print the report as JSON");
}

std::function<int()> add_bench_options(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  radial bench attention --grid 21,30,52 --heads 2 --decay-factor 0.2\n"
      "  radial bench attention --grid 18,48,80 --rule released-v2 --decay-factor 0.2 --device "
      "cuda\n"
      "TFLOP/s count the pairs of kept blocks: 4 x head dim operations each forward, 10 x "
      "backward.");
  auto request = std::make_shared<BenchRequest>();
  request->layout.add_to(app);
  request->rule.add_to(app);
  add_problem_options(app, *request);
  add_run_options(app, *request);
  return [request] { return run_bench(*request); };
}

}  // namespace

Command attention_bench() {
  return {.name = "attention",
          .summary = "Check attention under a mask, then time it",
          .add_options = add_bench_options};
}

}  // namespace radial::tools
