#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/stop_signals.h"
#include "radial/base/error.h"
#include "train_base/parts.h"
#include "train_base/value_options.h"
#include "video/checkpoint/memory_source.h"
#include "video/nn/interruption.h"
#include "video/train/clip_files.h"
#include "video/train/model_folder.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct LatentsRequest {
  std::string vae, out;
  at::Device device = at::kCPU;
  std::optional<at::ScalarType> dtype;
  std::int64_t seed = 0, count = 1000, per_file = 512;
  double max_seconds = 0;  // 0: any
  bool quiet = false;
  video::ClipSize size;
  Clock::time_point begin = Clock::now();
};

void check(const LatentsRequest& request) {
  if (request.vae.empty()) {
    refuse("--vae", "the folder of an auto-encoder, or of a model or a run that has one", "");
  }
  if (request.out.empty()) refuse("--out", "a folder", "");
  const fs::path parent = fs::absolute(request.out).parent_path();
  if (fs::exists(request.out) ? !fs::is_directory(request.out) : !fs::is_directory(parent)) {
    refuse("--out", "a folder, or a new one in a folder that exists", request.out);
  }
  require_device("--device", request.device);
}

video::WanVae make_vae(const video::VaeWeights& vae, at::Device device, at::ScalarType dtype) {
  video::NamedTensors weights;
  for (const auto& [name, tensor] : vae.weights) weights.emplace(name, tensor.to(device, dtype));
  video::TableSource source(std::move(weights));
  video::WanVae made(vae.config, source);
  source.finish();
  return made;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int run_latents_part(const LatentsRequest& request) {
  check(request);
  const video::VaeWeights weights = video::read_vae_folder(request.vae);
  at::Device device = request.device;
  if (!device.is_cpu() && !device.has_index()) device = at::Device(device.type(), 0);
  const at::ScalarType dtype = request.dtype.value_or(device.is_cpu() ? at::kFloat : at::kBFloat16);
  const video::WanVae vae = make_vae(weights, device, dtype);
  const video::ClipEncoder encoder(vae, request.size, device);
  fs::create_directory(request.out);
  stop_on_signals();
  double shown_at = 0;
  video::ClipFilesOptions options{.seed = static_cast<std::uint64_t>(request.seed),
                                  .count = request.count,
                                  .per_file = std::min(request.per_file, request.count),
                                  .vae_digest = video::vae_digest(weights.config, weights.weights)};
  options.go_on = [&](std::int64_t done) {
    const double seconds = seconds_since(request.begin);
    constexpr double kInterval = 10;
    if (!request.quiet && seconds - shown_at >= kInterval) {
      std::fprintf(stderr, "%lld of %lld clips, %.0f s\n", static_cast<long long>(done),
                   static_cast<long long>(request.count), seconds);
      shown_at = seconds;
    }
    return request.max_seconds == 0 || seconds < request.max_seconds;
  };
  try {
    const std::int64_t written = video::write_clip_files(request.out, encoder, options);
    std::printf("encoded    %lld clips\nwrote      %s\n", static_cast<long long>(written),
                request.out.c_str());
  } catch (const video::Interrupted&) {
    std::fprintf(stderr, "radial: interrupted; the same command goes on\n");
    return kInterrupted;
  }
  return kSuccess;
}

std::function<int()> add_latents_options(CLI::App& app) {
  auto request = std::make_shared<LatentsRequest>();
  OptionGroup group(app, "Clips");
  const auto add_text = [&](const std::string& names, std::string& target,
                            const std::string& help) {
    group.add_value(
        names, "FOLDER", [request, &target](const std::string& text) { target = text; }, help);
  };
  add_text("--vae", request->vae,
           "The auto-encoder: its folder, or that of a model or of a run of train-base vae");
  add_text("--out,--output,-o", request->out,
           "Where the files go; those that are there already are kept");
  add_integer(group, "--clips", request->count, {1, 1 << 24}, "How many, 0.43 MB each; 1000");
  add_integer(group, "--clips-per-file", request->per_file, {1, 1 << 20}, "512");
  add_integer(group, "--seed", request->seed, {0, std::int64_t{1} << 62},
              "Of the world: that of the training");
  add_integer(group, "--width", request->size.width, {16, 4096}, "Pixels; 256");
  add_integer(group, "--height", request->size.height, {16, 4096}, "Pixels; 256");
  add_integer(group, "--num-frames", request->size.num_frames, {1, 1 << 16}, "4k+1; 49");
  group.add_value(
      "--device", "DEVICE",
      [request](const std::string& text) { request->device = parse_device("--device", text); },
      "cpu (default), cuda or cuda:N");
  group.add_value(
      "--dtype", "TYPE",
      [request](const std::string& text) { request->dtype = parse_scalar_type("--dtype", text); },
      "To encode in: bfloat16 (default on a GPU) or float32");
  add_number(group, "--max-time-s", request->max_seconds, 1e9,
             "Seconds after which it stops, leaving out a file that is not full; 0: any");
  group.add_flag(
      "--quiet,-q", [request] { request->quiet = true; }, "Print nothing but the result");
  return [request] { return run_latents_part(*request); };
}

}  // namespace

Command latents_part() {
  return {.name = "latents",
          .summary = "Clips encoded by a VAE, in files, for train-base dit",
          .add_options = add_latents_options};
}

}  // namespace radial::tools
