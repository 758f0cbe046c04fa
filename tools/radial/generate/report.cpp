#include "generate/report.h"

#include <cctype>
#include <cstdio>

#include "radial/base/error.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {
namespace {

constexpr double kMega = 1e6, kTera = 1e12;

std::string mask_text(const GeneratePlan& plan) {
  return plan.attention.plan ? plan.attention.plan->plan().description() : "dense";
}

std::vector<std::string> warnings_of(const GeneratePlan& plan) {
  std::vector<std::string> all = plan.memory_warnings;
  if (!plan.attention.plan) return all;
  const auto warnings = plan.attention.plan->plan().warnings();
  all.insert(all.end(), warnings.begin(), warnings.end());
  return all;
}

void print_needs(const GenerateRequest& request, const GeneratePlan& plan) {
  std::printf("memory     one part after the other:");
  for (const PartNeed& need : plan.needs) {
    std::printf(" %s %s%s", need.name.c_str(), memory_text(need.total()).c_str(),
                &need == &plan.needs.back() ? "" : ",");
  }
  if (const auto free = video::free_host_memory()) {
    std::printf("; %s free", memory_text(*free).c_str());
  }
  const at::Device device = request.engine.load().device;
  if (const auto free = video::free_device_memory(device)) {
    std::printf(", %s on %s", memory_text(*free).c_str(), device.str().c_str());
  }
  std::printf("\n");
  if (plan.blocks_to_swap > 0) {
    std::printf("offload    %lld of the transformer's %lld blocks in host memory, copied ahead\n",
                static_cast<long long>(plan.blocks_to_swap),
                static_cast<long long>(plan.transformer.num_layers));
  }
}

void print_warnings(const GeneratePlan& plan) {
  for (const std::string& warning : warnings_of(plan)) {
    std::printf("warning    %s\n", warning.c_str());
  }
}

Report needs_report(const GeneratePlan& plan) {
  Report report;
  for (const PartNeed& need : plan.needs) {
    std::string name = need.name;
    for (char& letter : name)
      letter = letter == ' ' ? '_' : static_cast<char>(std::tolower(letter));
    report[name] = {{"weights", need.weights}, {"working", need.working}};
  }
  return report;
}

// Of all steps and passes, without any saving.
double dense_work(const GenerateRequest& request, const GeneratePlan& plan) {
  return (plan.pass_cost.self_attention + plan.pass_cost.rest) * plan.schedule.num_steps() *
         plan.passes_per_step(request.guidance);
}

}  // namespace

std::string text_of(const Report& report, int indent) {
  return report.dump(indent, ' ', false, Report::error_handler_t::replace);
}

Report settings_report(const GenerateRequest& request, const GeneratePlan& plan) {
  Report report{{"model", plan.model.string()}};
  if (request.prompt) report["prompt"] = *request.prompt;
  if (request.prompts_path) report["prompts-file"] = *request.prompts_path;
  report["negative-prompt"] = request.negative_prompt;
  report["width"] = request.size.width;
  report["height"] = request.size.height;
  report["num-frames"] = request.size.num_frames;
  report["fps"] = request.fps;
  report["sampling-method"] = name_of(plan.method);
  report["steps"] = plan.schedule.num_steps();
  report["flow-shift"] = plan.flow_shift;
  report["cfg-scale"] = request.guidance;
  report["seed"] = request.seed;
  report["device"] = request.engine.load().device.str();
  if (plan.blocks_to_swap > 0) report["blocks-to-swap"] = plan.blocks_to_swap;
  report["output"] = request.output_path;
  return report;
}

Report plan_report(const GenerateRequest& request, const GeneratePlan& plan) {
  const double work = dense_work(request, plan);
  Report report{{"mask", mask_text(plan)},
                {"layout", plan.attention.layout.to_string()},
                {"tokens", plan.attention.layout.video_tokens()},
                {"prompt_tokens", plan.num_tokens},
                {"density", plan.density()},
                {"dense_layers", video::places_text(plan.attention.dense_layers)},
                {"dense_steps", video::places_text(plan.attention.dense_steps)},
                {"dense_tflop", work / kTera},
                {"tflop", work * (1 - plan.saving_in_run()) / kTera},
                {"saving_in_attention", plan.saving_in_attention()},
                {"saving_in_run", plan.saving_in_run()},
                {"weight_bytes",
                 {{"text_encoder", plan.text_size.bytes},
                  {"transformer", plan.transformer_size.bytes},
                  {"vae", plan.vae_size.bytes}}},
                {"needed_bytes", needs_report(plan)},
                {"warnings", warnings_of(plan)}};
  if (request.print_mask_stats && plan.attention.plan) {
    const PlanStats& stats = plan.attention.plan->plan().stats();
    report["mask_stats"] = {
        {"kept_blocks", stats.kept_blocks},   {"all_blocks", stats.all_blocks},
        {"longest_row", stats.longest_row},   {"median_row", stats.median_row},
        {"shortest_row", stats.shortest_row}, {"runs_per_row", stats.runs_per_row}};
  }
  return report;
}

void print_plan(const GenerateRequest& request, const GeneratePlan& plan) {
  const video::ResolvedAttention& attention = plan.attention;
  std::printf("model      %s; text encoder %.1f MB, transformer %.1f MB, VAE %.1f MB; %s\n",
              plan.model.string().c_str(), plan.text_size.bytes / kMega,
              plan.transformer_size.bytes / kMega, plan.vae_size.bytes / kMega,
              request.engine.load().device.str().c_str());
  print_needs(request, plan);
  std::printf("video      %lld x %lld, %lld frames at %d fps; %s\n",
              static_cast<long long>(request.size.width),
              static_cast<long long>(request.size.height),
              static_cast<long long>(request.size.num_frames), request.fps,
              attention.layout.to_string().c_str());
  std::printf("sampling   %s, %d steps, shift %g, guidance %g, seed %llu\n",
              std::string(name_of(plan.method)).c_str(), plan.schedule.num_steps(), plan.flow_shift,
              request.guidance, static_cast<unsigned long long>(request.seed));
  const double work = dense_work(request, plan);
  if (!attention.plan) {
    std::printf("attention  dense\nwork       %.4g TFLOP in the transformer\n", work / kTera);
    print_warnings(plan);
    return;
  }
  std::printf("attention  %s; density %.3f\n", mask_text(plan).c_str(), plan.density());
  std::printf("dense      layers %s, steps %s\n",
              video::places_text(attention.dense_layers).c_str(),
              video::places_text(attention.dense_steps).c_str());
  std::printf("saving     %.0f %% of the self-attention of the run\n",
              100 * plan.saving_in_attention());
  std::printf("work       %.4g TFLOP in the transformer, %.0f %% less than %.4g dense\n",
              work * (1 - plan.saving_in_run()) / kTera, 100 * plan.saving_in_run(), work / kTera);
  print_warnings(plan);
}

void print_mask_stats(const GeneratePlan& plan) {
  if (!plan.attention.plan) {
    std::printf("blocks     attention is dense: all are kept\n");
    return;
  }
  const PlanStats& stats = plan.attention.plan->plan().stats();
  std::printf("blocks     %lld of %lld kept\n", static_cast<long long>(stats.kept_blocks),
              static_cast<long long>(stats.all_blocks));
  std::printf("rows       longest %d key blocks, median %d, shortest %d; %.1f runs a row\n",
              stats.longest_row, stats.median_row, stats.shortest_row, stats.runs_per_row);
}

Report result_report(const GenerateRequest& request, const StageTimes& times) {
  Report report{{"seconds",
                 {{"text", times.text},
                  {"denoising", times.denoising},
                  {"decoding", times.decoding},
                  {"writing", times.writing}}},
                {"peak_bytes", {{"host", video::peak_host_memory()}}}};
  if (const auto peak = video::peak_device_memory(request.engine.load().device)) {
    report["peak_bytes"]["device"] = *peak;
  }
  return report;
}

void print_result(const GenerateRequest& request, const StageTimes& times) {
  std::printf("time       text %.1f s, denoising %.1f s, decoding %.1f s, writing %.1f s\n",
              times.text, times.denoising, times.decoding, times.writing);
  std::printf("memory     peak %.1f MB resident", video::peak_host_memory() / kMega);
  if (const auto peak = video::peak_device_memory(request.engine.load().device)) {
    std::printf(", %.1f MB on the device", static_cast<double>(*peak) / kMega);
  }
  std::printf("\n");
}

}  // namespace radial::tools
