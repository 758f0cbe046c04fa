#include "generate/generate.h"

#include <c10/core/InferenceMode.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "command.h"
#include "generate/video_output.h"
#include "options/attention_options.h"
#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/sampling_options.h"
#include "radial/base/error.h"
#include "stage/stage_inputs.h"
#include "video/pipeline/noise.h"
#include "video/pipeline/text_to_video.h"

namespace radial::tools {
namespace {

struct GenerateRequest {
  EngineOptions engine;
  SamplingOptions sampling;
  AttentionOptions attention;
  video::VideoSize size;
  video::VaePass vae_pass;
  std::string prompt;
  std::string negative_prompt;
  double guidance = 5.0;
  std::uint64_t seed = 0;
  int fps = 16;
  std::optional<std::string> diffusion_model, latents_path, save_latents_path, save_frames_path;
  std::string output_path;
  bool quiet = false;
};

// What a run does, worked out before anything large is loaded.
struct GeneratePlan {
  video::WanFiles files;
  video::WanConfig transformer;
  video::NoiseSchedule schedule;
  video::SamplingMethod method;
  video::ResolvedAttention attention;
  at::Tensor noise;
};

at::Tensor noise_of(const GenerateRequest& request, const std::vector<std::int64_t>& shape) {
  if (!request.latents_path) return video::initial_noise(shape, request.seed);
  const at::Tensor latents = StageInputs(*request.latents_path)["latents"];
  if (latents.sizes() != at::IntArrayRef(shape)) {
    refuse("--latents", concat("a tensor latents ", at::IntArrayRef(shape)),
           concat(latents.sizes()));
  }
  return latents.to(at::kFloat);
}

GeneratePlan plan_run(const GenerateRequest& request) {
  GeneratePlan plan;
  plan.files = video::find_wan_files(request.engine.model(), request.diffusion_model);
  plan.transformer = video::read_transformer_config(plan.files);
  const auto shape =
      video::latent_shape(request.size, plan.transformer, video::read_vae_config(plan.files));
  const video::ScheduleOptions options =
      request.sampling.resolve(video::read_flow_shift(plan.files));
  plan.method = options.method;
  plan.schedule = video::make_noise_schedule(options);
  const auto [pt, ph, pw] = plan.transformer.patch_size;
  VideoLayout layout;
  layout.frames = static_cast<std::int32_t>(shape[2] / pt);
  layout.grid_h = static_cast<std::int32_t>(shape[3] / ph);
  layout.grid_w = static_cast<std::int32_t>(shape[4] / pw);
  video::PlanCache plans;
  plan.attention = video::resolve_attention(request.attention.resolve(layout), layout,
                                            plan.transformer.num_layers, plan.schedule, plans);
  plan.noise = noise_of(request, shape);
  return plan;
}

void print_plan(const GenerateRequest& request, const GeneratePlan& plan) {
  const video::ResolvedAttention& attention = plan.attention;
  std::printf("video      %lld x %lld, %lld frames at %d fps; %s\n",
              static_cast<long long>(request.size.width),
              static_cast<long long>(request.size.height),
              static_cast<long long>(request.size.num_frames), request.fps,
              attention.layout.to_string().c_str());
  std::printf("sampling   %s, %d steps, guidance %g, seed %llu\n",
              std::string(name_of(plan.method)).c_str(), plan.schedule.num_steps(),
              request.guidance, static_cast<unsigned long long>(request.seed));
  if (!attention.plan) {
    std::printf("attention  dense\n");
    return;
  }
  const double density = attention.plan->plan().stats().density;
  std::printf("attention  %s; density %.3f\n", attention.plan->plan().description().c_str(),
              density);
  std::printf("dense      layers %s, steps %s\n",
              video::places_text(attention.dense_layers).c_str(),
              video::places_text(attention.dense_steps).c_str());
  std::printf("saving     %.0f %% of the self-attention of the run\n",
              100 * attention.sparse_share() * (1 - density));
}

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

at::Tensor denoised(const GenerateRequest& request, const GeneratePlan& plan,
                    const video::PromptEmbeddings& text) {
  const video::WanTransformer model =
      video::load_transformer(plan.files, request.engine.load(), request.engine.loras());
  const int num_steps = plan.schedule.num_steps();
  const video::StepObserver progress = [&](int done, const at::Tensor&) {
    if (request.quiet) return;
    std::fprintf(stderr, "\rstep %d of %d%s", done, num_steps, done == num_steps ? "\n" : "");
  };
  return video::denoise(model, {plan.noise, text.prompt, text.negative},
                        {plan.method, plan.schedule, request.guidance}, plan.attention, progress);
}

int run_generate(const GenerateRequest& request) {
  VideoOutput output(request.output_path, request.size, request.fps);
  const c10::InferenceMode no_gradients;
  const GeneratePlan plan = plan_run(request);
  if (!request.quiet) print_plan(request, plan);
  Stopwatch watch;
  std::optional<std::string> negative;
  if (video::is_guided(request.guidance)) negative = request.negative_prompt;
  const video::PromptEmbeddings text =
      video::encode_prompts(request.engine.model(), request.prompt, negative,
                            plan.transformer.text_len, request.engine.load());
  const double text_seconds = watch.lap();
  const at::Tensor latents = denoised(request, plan, text);
  if (request.save_latents_path) {
    video::save_tensors(*request.save_latents_path, {{"latents", latents}});
  }
  const double denoise_seconds = watch.lap();
  const at::Tensor frames =
      video::decode_frames(plan.files, latents, request.engine.load(), request.vae_pass);
  if (request.save_frames_path) {
    video::save_tensors(*request.save_frames_path, {{"frames", frames}});
  }
  output.write(frames,
               {{"title", request.prompt},
                {"comment", concat("radial: seed ", request.seed, "; ",
                                   plan.attention.plan ? plan.attention.plan->plan().description()
                                                       : std::string("dense"))}});
  const double decode_seconds = watch.lap();
  if (!request.quiet) {
    std::printf(
        "time       text %.1f s, denoising %.1f s, decoding and writing %.1f s\nwrote      %s\n",
        text_seconds, denoise_seconds, decode_seconds, request.output_path.c_str());
  }
  return kSuccess;
}

void add_prompt_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "What to show");
  group.add_value(
      "--prompt,-p", "TEXT", [&request](const std::string& text) { request.prompt = text; },
      "What the video shows");
  group.add_value(
      "--negative-prompt,-n", "TEXT",
      [&request](const std::string& text) { request.negative_prompt = text; },
      "What it does not show; default: empty");
  group.add_value(
      "--cfg-scale,--guidance-scale,--sample-guide-scale", "X",
      [&request](const std::string& text) {
        request.guidance = parse_number("--cfg-scale", text, 0, 100);
      },
      "How closely to follow the prompt; above 1 each step takes two passes. Default 5");
  group.add_value(
      "--seed,--base-seed", "N",
      [&request](const std::string& text) {
        request.seed = static_cast<std::uint64_t>(parse_integer(
            "--seed", text, {.least = 0, .most = std::numeric_limits<std::int64_t>::max()}));
      },
      "Of the initial noise, the same on every device; default 0");
}

void add_size_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "Size");
  const auto add_count = [&](const std::string& names, const std::string& option, auto& target,
                             const std::string& help) {
    group.add_value(
        names, "N",
        [&target, option](const std::string& text) {
          target = static_cast<std::remove_reference_t<decltype(target)>>(
              parse_integer(option, text, {.least = 1, .most = 1 << 16}));
        },
        help);
  };
  add_count("--width,-W", "--width", request.size.width, "Width in pixels; default 832");
  add_count("--height,-H", "--height", request.size.height, "Height in pixels; default 480");
  add_count("--num-frames,--video-frames,--frame-num,--video-length", "--num-frames",
            request.size.num_frames, "Frames, 4k+1; default 81");
  add_count("--fps", "--fps", request.fps, "Frames a second in the file; default 16");
  group.add_flag(
      "--vae-tiling", [&request] { request.vae_pass.tiling = video::VaeTiling{}; },
      "Decode in tiles of 256 x 256 pixels: less memory");
}

void add_file_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "Files");
  const auto add_path = [&](const std::string& names, std::optional<std::string>& target,
                            const std::string& help) {
    group.add_value(
        names, "FILE", [&target](const std::string& text) { target = text; }, help);
  };
  add_path("--diffusion-model", request.diffusion_model, "Another transformer for the same folder");
  add_path("--latents", request.latents_path,
           "Take the initial noise from here: safetensors, latents [1, C, F, H, W]");
  add_path("--save-latents", request.save_latents_path, "Write the final latents likewise");
  add_path("--save-frames", request.save_frames_path,
           "Write the frames as safetensors: frames [1, F, 3, H, W] in [0, 1]");
  group.add_value(
      "--output,-o,--save-file", "FILE",
      [&request](const std::string& text) { request.output_path = text; },
      "The video: FILE.mp4, FILE.png (the first frame) or a folder for all frames as PNG");
  group.add_flag(
      "--quiet,-q", [&request] { request.quiet = true; }, "Print nothing but errors");
}

}  // namespace

std::function<int()> add_generate_options(CLI::App& app) {
  auto request = std::make_shared<GenerateRequest>();
  request->engine.add_to(app);
  request->engine.add_lora_to(app);
  add_prompt_options(app, *request);
  add_size_options(app, *request);
  request->sampling.add_to(app);
  request->attention.add_to(app);
  add_file_options(app, *request);
  return [request] { return run_generate(*request); };
}

}  // namespace radial::tools
