#include "generate/plan.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/ops/tensor.h>

#include "generate/video_output.h"
#include "options/option_values.h"
#include "options/output_path.h"
#include "radial/base/error.h"
#include "stage/stage_inputs.h"
#include "video/pipeline/noise.h"
#include "video/text/prompt_cleaning.h"
#include "video/text/tokenizer.h"

namespace radial::tools {
namespace {

at::Tensor noise_of(const GenerateRequest& request, const std::vector<std::int64_t>& shape) {
  if (!request.latents_path) return video::initial_noise(shape, request.seed);
  const at::Tensor latents = StageInputs(*request.latents_path, "--latents")["latents"];
  if (latents.sizes() != at::IntArrayRef(shape)) {
    refuse("--latents", concat("a tensor latents ", at::IntArrayRef(shape)),
           concat(latents.sizes()));
  }
  return latents.to(at::kFloat);
}

VideoLayout layout_of(const std::vector<std::int64_t>& shape, const video::WanConfig& config) {
  const auto [pt, ph, pw] = config.patch_size;
  VideoLayout layout;
  layout.frames = static_cast<std::int32_t>(shape[2] / pt);
  layout.grid_h = static_cast<std::int32_t>(shape[3] / ph);
  layout.grid_w = static_cast<std::int32_t>(shape[4] / pw);
  for (const std::int32_t extent : {layout.frames, layout.grid_h, layout.grid_w}) {
    RADIAL_REQUIRE(extent <= config.rope_max_seq_len,
                   "--width, --height, --num-frames: expected at most ", config.rope_max_seq_len,
                   " tokens an axis, as many positions as the model knows, got ",
                   layout.to_string());
  }
  return layout;
}

void read_prompts(const GenerateRequest& request, GeneratePlan& plan) {
  const video::Tokenizer tokenizer = video::Tokenizer::open(plan.text_files.tokenizer);
  const auto tokens_of = [&](const std::string& prompt) {
    return tokenizer.encode(video::clean_prompt(prompt), plan.transformer.text_len);
  };
  for (const GenerateJob& job : plan.jobs) {
    const video::Tokens tokens = tokens_of(job.prompt);
    plan.num_tokens.push_back(tokens.num_tokens);
    plan.is_cut.push_back(tokens.is_cut);
  }
  if (video::is_guided(request.guidance)) {
    plan.negative_tokens = tokens_of(request.negative_prompt).num_tokens;
  }
}

// FNV-1a, 64 bits: tells two inputs apart, nothing more.
std::string fingerprint(const at::Tensor& tensor) {
  const at::Tensor bytes = tensor.to(at::kCPU).contiguous();
  const auto* data = static_cast<const unsigned char*>(bytes.const_data_ptr());
  std::uint64_t hash = 14695981039346656037u;
  for (std::size_t i = 0; i < bytes.nbytes(); ++i) hash = (hash ^ data[i]) * 1099511628211u;
  return concat(std::hex, hash);
}

GeneratePlan checked_plan(const GenerateRequest& request) {
  GeneratePlan plan;
  plan.jobs = jobs_of(request);
  for (const GenerateJob& job : plan.jobs) {
    VideoOutput(job.output_path, request.size, request.fps);
    if (job.save_latents_path) require_output_path("--save-latents", *job.save_latents_path);
    if (job.save_frames_path) require_output_path("--save-frames", *job.save_frames_path);
  }
  if (request.preview_path) {
    require_output_path("--preview", *request.preview_path);
    if (std::filesystem::path(*request.preview_path).extension() != ".png") {
      refuse("--preview", "FILE.png", *request.preview_path);
    }
  }
  require_device("--device", request.engine.load().device);
  plan.model = request.engine.model();
  plan.files = video::find_wan_files(
      plan.model, request.engine.transformer_or(request.diffusion_model), request.engine.vae());
  plan.transformer = video::read_transformer_config(plan.files);
  if (request.task) require_task(*request.task, plan.transformer);
  const auto shape =
      video::latent_shape(request.size, plan.transformer, video::read_vae_config(plan.files));
  const video::ScheduleOptions options = request.sampling.resolve(
      request.task ? request.task->flow_shift : video::read_flow_shift(plan.files));
  plan.method = options.method;
  plan.flow_shift = options.shift;
  plan.schedule = video::make_noise_schedule(options);
  const VideoLayout layout = layout_of(shape, plan.transformer);
  video::PlanCache plans;
  plan.attention =
      video::resolve_attention(request.attention.resolve(layout, plan.schedule.num_steps()), layout,
                               plan.transformer.num_layers, plan.schedule, plans);
  plan.pass_cost = video::wan_cost(plan.transformer, layout.video_tokens());
  plan.text_files = video::find_text_files(plan.model, request.engine.text_encoder());
  read_prompts(request, plan);
  const at::ScalarType dtype = request.engine.load().dtype;
  plan.text_size = video::check_text_encoder(plan.text_files, dtype);
  plan.transformer_size = video::check_transformer(plan.files, dtype, request.engine.loras());
  plan.vae_size = video::check_vae(plan.files, dtype);
  plan.blocks_to_swap = blocks_to_swap(request, plan);
  plan.needs = part_needs(request, plan, shape);
  plan.memory_warnings = check_memory(plan.needs);
  plan.noise = noise_of(request, shape);
  return plan;
}

}  // namespace

double GeneratePlan::density() const {
  return attention.plan ? attention.plan->plan().stats().density : 1;
}

double GeneratePlan::step_cost(int step) const {
  const bool sparse = attention.plan && !attention.dense_steps[static_cast<std::size_t>(step)];
  double share = 1;
  if (sparse) {
    double layers = 0;
    for (const bool dense : attention.dense_layers) layers += dense ? 1 : density();
    share = layers / static_cast<double>(attention.dense_layers.size());
  }
  return pass_cost.self_attention * share + pass_cost.rest;
}

double GeneratePlan::saving_in_attention() const {
  return attention.sparse_share() * (1 - density());
}

double GeneratePlan::saving_in_run() const {
  return saving_in_attention() * pass_cost.self_attention /
         (pass_cost.self_attention + pass_cost.rest);
}

GeneratePlan plan_run(const GenerateRequest& request) {
  try {
    return checked_plan(request);
  } catch (const InvalidArgument&) {
    throw;
  } catch (const Unsupported&) {
    throw;
  } catch (const Error& error) {  // a file that is missing or damaged was named by an argument
    throw InvalidArgument(error.what());
  }
}

video::RunSettings run_settings(const GenerateRequest& request, const GeneratePlan& plan,
                                const GenerateJob& job) {
  const video::ResolvedAttention& attention = plan.attention;
  std::string loras;
  for (const video::LoraUse& use : request.engine.loras()) {
    loras += concat(loras.empty() ? "" : ", ", use.path.string(), ":", use.strength);
  }
  return {{"model", std::filesystem::weakly_canonical(plan.model).string()},
          {"transformer", std::filesystem::weakly_canonical(plan.files.transformer).string()},
          {"text encoder", std::filesystem::weakly_canonical(plan.text_files.encoder).string()},
          {"prompt", job.prompt},
          {"negative-prompt", request.negative_prompt},
          {"cfg-scale", concat(request.guidance)},
          {"seed", concat(request.seed)},
          {"size", concat(request.size.width, "x", request.size.height)},
          {"num-frames", concat(request.size.num_frames)},
          {"sampling-method", std::string(name_of(plan.method))},
          {"steps", concat(plan.schedule.num_steps())},
          {"flow-shift", concat(plan.flow_shift)},
          {"attention", attention.plan ? attention.plan->plan().description() : "dense"},
          {"layout", attention.layout.to_string()},
          {"dense-layers", video::places_text(attention.dense_layers)},
          {"dense-timesteps", video::places_text(attention.dense_steps)},
          {"lora", loras},
          {"dtype", concat(request.engine.load().dtype)},
          {"device", request.engine.load().device.str()},
          {"noise", fingerprint(plan.noise)},
          {"noise levels", fingerprint(at::tensor(plan.schedule.sigmas))}};
}

}  // namespace radial::tools
