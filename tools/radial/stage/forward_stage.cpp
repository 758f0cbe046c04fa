#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "options/attention_options.h"
#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/output_path.h"
#include "stage/stage_inputs.h"
#include "stage/stages.h"
#include "video/pipeline/wan_files.h"

namespace radial::tools {
namespace {

struct ForwardRequest {
  EngineOptions engine;
  AttentionOptions attention;
  std::optional<std::string> diffusion_model;
  std::string inputs_path, save_path;
  std::optional<std::string> taps_path;
};

// A run of one step, so that the options of runs mean what they mean there.
video::LayerAttention attention_of(const ForwardRequest& request, const VideoLayout& layout,
                                   std::int64_t num_layers, video::ResolvedAttention& resolved) {
  const video::NoiseSchedule one_step{.timesteps = {1000}, .sigmas = {1, 0}};
  video::PlanCache plans;
  resolved = video::resolve_attention(request.attention.resolve(layout, 1), layout, num_layers,
                                      one_step, plans);
  return resolved.at_step(0);
}

int run_forward(const ForwardRequest& request) {
  require_output_path("--save", request.save_path);
  if (request.taps_path) require_output_path("--taps", *request.taps_path);
  const StageInputs inputs(request.inputs_path);
  const at::Device device = request.engine.load().device;
  const at::Tensor latents = inputs["hidden_states"].to(device);
  const at::Tensor timestep = inputs["timestep"].to(device);
  const at::Tensor embeddings = inputs["encoder_hidden_states"].to(device);
  const video::WanFiles files = video::find_wan_files(
      request.engine.model(), request.engine.transformer_or(request.diffusion_model));
  const c10::InferenceMode no_gradients;
  const video::WanTransformer model =
      video::load_transformer(files, request.engine.load(), request.engine.loras());
  const VideoLayout raster = model.layout_of(latents);
  video::ResolvedAttention resolved;
  const video::LayerAttention attention =
      attention_of(request, raster, model.config().num_layers, resolved);
  std::map<std::string, at::Tensor> taps;
  video::WanTransformer::Tap tap;
  if (request.taps_path) {
    tap = [&taps](const std::string& name, const at::Tensor& state) { taps[name] = state; };
  }
  const at::Tensor sample =
      model.forward(latents, timestep, model.prepare_text(embeddings),
                    model.prepare_video(resolved.layout, device), attention, tap);
  video::save_tensors(request.save_path, {{"sample", sample}});
  if (request.taps_path) video::save_tensors(*request.taps_path, taps);
  std::printf("%s, %s\n", resolved.layout.to_string().c_str(),
              resolved.plan ? resolved.plan->plan().description().c_str() : "dense");
  return kSuccess;
}

std::function<int()> add_forward_options(CLI::App& app) {
  auto request = std::make_shared<ForwardRequest>();
  request->engine.add_to(app);
  request->engine.add_lora_to(app);
  OptionGroup group(app, "Forward pass");
  group.add_value(
      "--component", "NAME",
      [](const std::string& text) {
        if (text != "transformer") refuse("--component", "transformer", text);
      },
      "The part to run: transformer (default)");
  group.add_value(
      "--diffusion-model", "FILE",
      [request](const std::string& text) { request->diffusion_model = text; },
      "Another transformer for the same folder");
  group.add_value(
      "--inputs", "FILE", [request](const std::string& text) { request->inputs_path = text; },
      "hidden_states [B, C, F, H, W], timestep [B], encoder_hidden_states [B, L, D]");
  group.add_value(
      "--save", "FILE", [request](const std::string& text) { request->save_path = text; },
      "Write sample, shaped like hidden_states");
  group.add_value(
      "--taps", "FILE", [request](const std::string& text) { request->taps_path = text; },
      "Write the states on the way: patch, time, time_projection, block.N, head");
  request->attention.add_to(app);
  return [request] { return run_forward(*request); };
}

}  // namespace

Command forward_stage() {
  return {
      .name = "forward", .summary = "Run the transformer once", .add_options = add_forward_options};
}

}  // namespace radial::tools
