#include "generate/generate.h"

#include <c10/core/InferenceMode.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "command.h"
#include "generate/config_file.h"
#include "generate/plan.h"
#include "generate/progress.h"
#include "generate/report.h"
#include "generate/run.h"
#include "generate/video_output.h"
#include "options/stop_signals.h"
#include "radial/base/error.h"
#include "video/nn/graph_recorder.h"
#include "video/nn/interruption.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {
namespace {

class Stopwatch {
 public:
  /// Seconds since the start or the last call.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The state that an earlier run kept for this job, if the request is to resume.
std::optional<video::DenoiseState> kept_state(const GenerateRequest& request,
                                              const GenerateJob& job,
                                              const video::RunSettings& settings) {
  if (!request.resume || !std::filesystem::exists(job.state_path)) return {};
  try {
    video::RunState kept = video::load_run_state(job.state_path);
    if (const auto difference = video::first_difference(kept.settings, settings)) {
      throw InvalidArgument(concat("--resume: expected a state of the same settings, got ",
                                   job.state_path, " with ", *difference));
    }
    return std::move(kept.state);
  } catch (const FormatError& error) {
    throw InvalidArgument(concat("--resume: ", error.what()));
  }
}

class GenerateRun {
 public:
  GenerateRun(const GenerateRequest& request, const GeneratePlan& plan)
      : request_(request), plan_(plan) {
    for (const GenerateJob& job : plan.jobs) {
      settings_.push_back(run_settings(request, plan, job));
      kept_.push_back(kept_state(request, job, settings_.back()));
    }
  }

  StageTimes run() {
    Stopwatch watch;
    const at::Device device = request_.engine.load().device;
    if (is_host_memory_tight(plan_.needs)) video::return_freed_memory_at_once();
    const std::vector<video::PromptEmbeddings> texts = encode();
    video::release_unused_memory(device);
    times_.text = watch.lap();
    const std::vector<at::Tensor> latents = denoise(texts);
    video::release_unused_memory(device);
    times_.denoising = watch.lap();
    decode(latents);
    std::error_code ignored;
    for (const GenerateJob& job : plan_.jobs) std::filesystem::remove(job.state_path, ignored);
    return times_;
  }

 private:
  std::vector<video::PromptEmbeddings> encode() const {
    std::vector<std::string> prompts;
    for (const GenerateJob& job : plan_.jobs) prompts.push_back(job.prompt);
    std::optional<std::string> negative;
    if (video::is_guided(request_.guidance)) negative = request_.negative_prompt;
    return video::encode_prompts(plan_.text_files, prompts, negative, plan_.transformer.text_len,
                                 request_.engine.text_load());
  }

  std::vector<at::Tensor> denoise(const std::vector<video::PromptEmbeddings>& texts) const {
    const video::WanTransformer model = video::load_transformer(
        plan_.files, request_.engine.load(), request_.engine.loras(), plan_.blocks_to_swap);
    std::optional<video::WanVae> preview_vae;
    if (request_.preview_path) {
      preview_vae.emplace(video::load_vae(plan_.files, request_.engine.load()));
    }
    const std::unique_ptr<video::GraphRecorder> recorder = graph_recorder();
    std::vector<at::Tensor> latents;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto preview = [&](const video::DenoiseProgress& done) {
        if (preview_vae && done.steps_done % request_.preview_interval == 0) {
          write_preview(*preview_vae, done.clean, plan_.jobs[i]);
        }
      };
      latents.push_back(denoise_one(model, texts[i], i, recorder.get(), preview));
      if (const auto& path = plan_.jobs[i].save_latents_path) {
        video::save_tensors(*path, {{"latents", latents.back()}});
      }
    }
    return latents;
  }

  std::unique_ptr<video::GraphRecorder> graph_recorder() const {
    if (!request_.cuda_graph) return nullptr;
    if (plan_.blocks_to_swap > 0) {
      note_not_recorded("CUDA graph: blocks lie in host memory");
      return nullptr;
    }
    return video::cuda_graph_recorder(request_.engine.load().device);
  }

  static void note_not_recorded(const std::string& reason) {
    std::fprintf(stderr, "radial: note: %s; every kernel is queued instead\n", reason.c_str());
  }

  at::Tensor denoise_one(const video::WanTransformer& model, const video::PromptEmbeddings& text,
                         std::size_t index, video::GraphRecorder* recorder,
                         const video::StepObserver& preview) const {
    const int num_steps = plan_.schedule.num_steps();
    std::vector<double> costs;
    for (int step = 0; step < num_steps; ++step) costs.push_back(plan_.step_cost(step));
    const std::size_t count = plan_.jobs.size();
    Progress progress(count > 1 ? concat("video ", index + 1, " of ", count, ", ") : "", costs,
                      request_.quiet);
    progress.start(kept_[index] ? kept_[index]->sampler.next_step : 0);
    std::optional<video::DenoiseState> last;
    int kept_step = 0;
    const auto keep = [&] {
      if (!last || request_.keep_every == 0 || last->sampler.next_step == kept_step) return;
      video::save_run_state(plan_.jobs[index].state_path, *last, settings_[index]);
      kept_step = last->sampler.next_step;
    };
    const auto observer = [&](const video::DenoiseProgress& done) {
      progress.show(done.steps_done);
      last = done.state;
      const bool is_due = request_.keep_every > 0 && done.steps_done % request_.keep_every == 0;
      if (is_due || done.steps_done == num_steps) keep();
      preview(done);
    };
    try {
      return video::denoise(model, {plan_.noise, text.prompt, text.negative},
                            {.method = plan_.method,
                             .schedule = plan_.schedule,
                             .guidance = request_.guidance,
                             .resume = kept_[index],
                             .recorder = recorder,
                             .on_not_recorded = note_not_recorded},
                            plan_.attention, observer);
    } catch (const video::Interrupted&) {
      keep();
      throw;
    }
  }

  // The first frame of the clean latents as the model saw them in this step: that needs no other.
  void write_preview(const video::WanVae& vae, const at::Tensor& clean,
                     const GenerateJob& job) const {
    const at::Tensor first = video::decode_frames(vae, clean.narrow(2, 0, 1), request_.vae_pass);
    VideoOutput(*request_.preview_path, request_.size, request_.fps)
        .write(first, {{"title", job.prompt}});
  }

  std::map<std::string, std::string> metadata_of(const GenerateJob& job) const {
    Report settings = settings_report(request_, plan_);
    settings.erase("prompts-file");
    settings["prompt"] = job.prompt;
    settings["mask"] = plan_report(request_, plan_)["mask"];
    return {{"title", job.prompt}, {"comment", "radial generate " + text_of(settings, -1)}};
  }

  void decode(const std::vector<at::Tensor>& latents) {
    const video::WanVae vae = video::load_vae(plan_.files, request_.engine.load());
    for (std::size_t i = 0; i < latents.size(); ++i) {
      const GenerateJob& job = plan_.jobs[i];
      Stopwatch watch;
      const at::Tensor frames = video::decode_frames(vae, latents[i], request_.vae_pass);
      times_.decoding += watch.lap();
      if (job.save_frames_path) video::save_tensors(*job.save_frames_path, {{"frames", frames}});
      VideoOutput(job.output_path, request_.size, request_.fps).write(frames, metadata_of(job));
      times_.writing += watch.lap();
    }
  }

  const GenerateRequest& request_;
  const GeneratePlan& plan_;
  std::vector<video::RunSettings> settings_;
  std::vector<std::optional<video::DenoiseState>> kept_;
  StageTimes times_;
};

void print_cut_prompts(const GeneratePlan& plan) {
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
    if (!plan.is_cut[i]) continue;
    std::fprintf(stderr,
                 "radial: note: prompt %zu is cut to the %lld tokens that the model takes\n", i + 1,
                 static_cast<long long>(plan.transformer.text_len));
  }
}

}  // namespace

int run_generate(const GenerateRequest& request) {
  const c10::InferenceMode no_gradients;
  const GeneratePlan plan = plan_run(request);
  print_cut_prompts(plan);
  Report report{{"settings", settings_report(request, plan)}, {"plan", plan_report(request, plan)}};
  const bool for_people = !request.quiet && !request.json;
  if (for_people) print_plan(request, plan);
  if (for_people && request.print_mask_stats) print_mask_stats(plan);
  if (for_people) std::fflush(stdout);
  std::vector<std::string> outputs;
  if (!request.dry_run) {
    stop_on_signals();
    GenerateRun run(request, plan);
    try {
      const StageTimes times = run.run();
      report.update(result_report(request, times));
      if (for_people) print_result(request, times);
    } catch (const video::Interrupted&) {
      const bool kept = request.keep_every > 0;
      std::fprintf(stderr, "radial: interrupted%s\n",
                   kept ? "; the same command with --resume goes on" : "");
      return kInterrupted;
    } catch (const FormatError& error) {  // a weight that is no number
      throw InvalidArgument(error.what());
    }
    for (const GenerateJob& job : plan.jobs) {
      outputs.push_back(job.output_path);
      if (for_people) std::printf("wrote      %s\n", job.output_path.c_str());
    }
  }
  report["outputs"] = outputs;
  if (request.json) std::printf("%s\n", text_of(report, 2).c_str());
  return kSuccess;
}

std::function<int()> add_generate_options(CLI::App& app) {
  auto request = std::make_shared<GenerateRequest>();
  add_request_options(app, *request);
  return [request, &app] {
    if (request->config_path) apply_config_file(app, *request->config_path);
    if (const auto model = request->engine.model_if_there()) apply_model_defaults(app, *model);
    for (const std::string& note : finish_request(*request)) {
      std::fprintf(stderr, "radial: note: %s\n", note.c_str());
    }
    return run_generate(*request);
  };
}

}  // namespace radial::tools
