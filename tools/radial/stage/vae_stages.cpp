#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <memory>
#include <string>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/output_path.h"
#include "stage/stage_inputs.h"
#include "stage/stages.h"
#include "video/pipeline/wan_files.h"

namespace radial::tools {
namespace {

struct VaeRequest {
  EngineOptions engine;
  std::string inputs_path, save_path;
  video::VaePass pass;
};

video::WanVae vae_of(const VaeRequest& request) {
  return video::load_vae(video::find_wan_files(request.engine.model()), request.engine.load());
}

int run_decode(const VaeRequest& request) {
  require_output_path("--save", request.save_path);
  const at::Tensor latents = StageInputs(request.inputs_path)["latents"];
  const c10::InferenceMode no_gradients;
  const at::Tensor pixels = vae_of(request).decode(latents, request.pass);
  video::save_tensors(request.save_path, {{"pixels", pixels.to(at::kFloat)}});
  return kSuccess;
}

int run_encode(const VaeRequest& request) {
  require_output_path("--save", request.save_path);
  const at::Tensor pixels = StageInputs(request.inputs_path)["pixels"];
  const c10::InferenceMode no_gradients;
  const at::Tensor mean = vae_of(request).encode(pixels, request.pass);
  video::save_tensors(request.save_path, {{"mean", mean.to(at::kFloat)}});
  return kSuccess;
}

std::shared_ptr<VaeRequest> add_vae_options(CLI::App& app, const std::string& inputs,
                                            const std::string& outputs) {
  auto request = std::make_shared<VaeRequest>();
  request->engine.add_to(app);
  OptionGroup group(app, "VAE");
  group.add_value(
      "--inputs", "FILE", [request](const std::string& text) { request->inputs_path = text; },
      inputs);
  group.add_value(
      "--save", "FILE", [request](const std::string& text) { request->save_path = text; }, outputs);
  group.add_value(
      "--chunk-frames", "N",
      [request](const std::string& text) {
        request->pass.chunk_frames = parse_integer("--chunk-frames", text, {.least = 0});
      },
      "Latent frames at a time, 0 for all; the result is the same. Default 1");
  group.add_flag(
      "--vae-tiling", [request] { request->pass.tiling = video::VaeTiling{}; },
      "Tiles of 256 x 256 pixels, blended: less memory, other values at their edges");
  return request;
}

std::function<int()> add_decode_options(CLI::App& app) {
  const auto request = add_vae_options(app, "latents [B, C, F, H, W], as the encoder gives them",
                                       "Write pixels [B, 3, F, H, W] in [-1, 1]");
  return [request] { return run_decode(*request); };
}

std::function<int()> add_encode_options(CLI::App& app) {
  const auto request = add_vae_options(app, "pixels [B, 3, F, H, W] in [-1, 1]",
                                       "Write mean, the latents [B, C, F, H, W]");
  return [request] { return run_encode(*request); };
}

}  // namespace

Command decode_stage() {
  return {
      .name = "decode", .summary = "Turn latents into pixels", .add_options = add_decode_options};
}

Command encode_stage() {
  return {
      .name = "encode", .summary = "Turn pixels into latents", .add_options = add_encode_options};
}

}  // namespace radial::tools
