#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "train_base/parts.h"
#include "train_base/value_options.h"
#include "video/train/model_folder.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMegabyte = 1000000;

struct ModelRequest {
  std::string dit, vae, out;
  at::ScalarType dtype = at::kBFloat16;
  double flow_shift = 0;  // 0: as it is
  std::int64_t max_shard_mb = 0;
};

int run_model_part(const ModelRequest& request) {
  if (request.dit.empty()) refuse("--dit", "the folder of a run of train-base dit or a model", "");
  if (request.out.empty()) refuse("--out", "a new folder", "");
  if (fs::exists(request.out)) refuse("--out", "a name not yet in use", request.out);
  if (!fs::is_directory(fs::absolute(request.out).parent_path())) {
    refuse("--out", "a new folder in one that exists", request.out);
  }
  fs::path dit = request.dit;
  if (fs::exists(dit / "model" / "model_index.json")) dit /= "model";
  if (!fs::is_directory(dit / "transformer")) {
    refuse("--dit", "the folder of a run of train-base dit or a model", request.dit);
  }
  video::WanModel model = video::read_model_folder(dit);
  if (!request.vae.empty()) {
    video::VaeWeights vae = video::read_vae_folder(request.vae);
    model.vae_config = std::move(vae.config);
    model.vae = std::move(vae.weights);
  }
  RADIAL_REQUIRE(model.vae_config.z_dim == model.transformer_config.in_channels,
                 "--vae: expected latents of ", model.transformer_config.in_channels,
                 " channels, got ", model.vae_config.z_dim);
  if (request.flow_shift > 0) model.flow_shift = request.flow_shift;
  video::write_model_folder(
      request.out, model,
      {.dtype = request.dtype, .max_shard_bytes = request.max_shard_mb * kMegabyte});
  std::printf("wrote      %s\n", request.out.c_str());
  return kSuccess;
}

std::function<int()> add_model_options(CLI::App& app) {
  auto request = std::make_shared<ModelRequest>();
  OptionGroup group(app, "The model");
  const auto add_text = [&](const std::string& names, std::string& target,
                            const std::string& help) {
    group.add_value(
        names, "FOLDER", [request, &target](const std::string& text) { target = text; }, help);
  };
  add_text("--dit", request->dit,
           "Transformer, text encoder and tokenizer: a run of train-base dit, or a model");
  add_text("--vae", request->vae,
           "Another auto-encoder: its folder, or that of a run of train-base vae");
  add_text("--out,--output,-o", request->out, "The model's folder, a new one");
  group.add_value(
      "--dtype", "TYPE",
      [request](const std::string& text) { request->dtype = parse_scalar_type("--dtype", text); },
      "Of the weights; bfloat16");
  add_number(group, "--flow-shift", request->flow_shift, 100,
             "Of the noise levels of generation; default: as it is", false);
  add_integer(group, "--max-shard-mb", request->max_shard_mb, {0, 1 << 20},
              "Write larger weights in files of at most so many million bytes; 0: in one");
  return [request] { return run_model_part(*request); };
}

}  // namespace

Command model_part() {
  return {.name = "model",
          .summary = "Put parts together as a folder in diffusers' layout",
          .add_options = add_model_options};
}

}  // namespace radial::tools
