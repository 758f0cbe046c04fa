#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "train_base/clip_picture.h"
#include "train_base/parts.h"
#include "train_base/run_options.h"
#include "train_base/value_options.h"
#include "video/checkpoint/json_text.h"
#include "video/train/vae_trainer.h"
#include "video/world/caption.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kWorldFrames = 49;  // of a clip of the world: its native three seconds

struct VaePartRequest {
  RunOptions run;
  video::VaeTrainerOptions trainer;
  std::optional<std::int64_t> crop;
  std::optional<at::ScalarType> dtype;
  std::optional<at::MemoryFormat> format;
  std::string config_path, init_path;
};

// The shipped model's: of the form of Wan 2.1, its widths a sixth.
video::WanVaeConfig demo_config() {
  video::WanVaeConfig config;
  config.base_dim = config.decoder_base_dim = 16;
  return config;
}

// The folder of the weights that --init names: itself, or its vae/.
fs::path init_weights(const VaePartRequest& request) {
  const fs::path path = request.init_path;
  return fs::is_directory(path / "vae") ? path / "vae" : path;
}

video::WanVaeConfig config_of(const VaePartRequest& request) {
  fs::path file = request.config_path;
  if (file.empty() && !request.init_path.empty()) {
    const fs::path beside = init_weights(request) / "config.json";
    if (fs::exists(beside)) file = beside;
  }
  if (file.empty()) return demo_config();
  if (!fs::is_regular_file(file)) refuse("--config", "a JSON file", request.config_path);
  try {
    return video::parse_wan_vae_config(video::read_text_file(file.string()), file.string());
  } catch (const FormatError& error) {
    throw InvalidArgument(concat("--config: ", error.what()));
  }
}

std::int64_t power_of_two(std::int64_t exponent) { return std::int64_t{1} << exponent; }

// Sizes that the network and the clips allow; nothing has been made yet.
void check_sizes(const VaePartRequest& request, const video::WanVaeConfig& config) {
  const video::CutSize& cut = request.trainer.cut;
  const video::ClipSize& size = request.trainer.clips.size;
  const std::int64_t spatial = power_of_two(static_cast<std::int64_t>(config.dim_mult.size()) - 1);
  const std::int64_t temporal = power_of_two(
      std::count(config.temporal_downsample.begin(), config.temporal_downsample.end(), true));
  const auto multiple = [&](const char* option, std::int64_t pixels) {
    if (pixels % spatial == 0 && pixels > 0) return;
    refuse(option,
           concat("a multiple of ", spatial, " (nearest ",
                  std::max<std::int64_t>(1, (pixels + spatial / 2) / spatial) * spatial, ")"),
           std::to_string(pixels));
  };
  multiple("--width", size.width);
  multiple("--height", size.height);
  if (request.crop) multiple("--crop", *request.crop);
  if (cut.height > size.height || cut.width > size.width) {
    refuse("--crop", concat("at most ", std::min(size.width, size.height), " pixels"),
           std::to_string(*request.crop));
  }
  if (cut.frames % temporal != 1 % temporal) {
    refuse("--clip-frames",
           concat("a number of the form ", temporal, "k+1 (nearest ",
                  (cut.frames + temporal / 2 - 1) / temporal * temporal + 1, ")"),
           std::to_string(cut.frames));
  }
}

// What decides the result, by the names of options.
nlohmann::ordered_json settings_of(const VaePartRequest& request,
                                   const video::WanVaeConfig& config) {
  const video::VaeTrainerOptions& trainer = request.trainer;
  nlohmann::ordered_json settings = {
      {"part", "vae"},
      {"width", trainer.clips.size.width},
      {"height", trainer.clips.size.height},
      {"num-frames", trainer.clips.size.num_frames},
      {"clips", trainer.clips.count},
      {"clip-frames", trainer.cut.frames},
      {"crop", request.crop.value_or(0)},
      {"batch-size", trainer.batch_size},
      {"learning-rate", trainer.learning_rate.peak},
      {"warmup-steps", trainer.learning_rate.warmup_steps},
      {"edge-weight", trainer.loss.edge_weight},
      {"divergence-weight", trainer.loss.divergence_weight},
      {"ema-decay", trainer.optimiser.ema_decay},
      {"dtype", trainer.placement.compute == at::kFloat ? "float32" : "bfloat16"},
      {"device", request.run.device.is_cpu() ? "cpu" : "cuda"},
      {"init", request.init_path},
      {"base-dim", config.base_dim},
      {"decoder-base-dim", config.decoder_base_dim},
      {"z-dim", config.z_dim},
      {"dim-mult", config.dim_mult},
      {"num-res-blocks", config.num_res_blocks},
      {"temporal-downsample", config.temporal_downsample}};
  // Later options are named where they are used, so that runs from before them can go on.
  if (trainer.decoder_only) settings["decoder-only"] = true;
  if (trainer.loss.first_frame_weight != 1) {
    settings["first-frame-weight"] = trainer.loss.first_frame_weight;
  }
  return settings;
}

// Adds the picture of held-out clips to what the trainer writes.
class PicturedVaeTrainer : public video::VaeTrainer {
 public:
  using VaeTrainer::VaeTrainer;

  void write_results(const fs::path& folder) override {
    VaeTrainer::write_results(folder);
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(kClips, num_samples()); ++i) {
      const Sample shown = sample(i);
      rows.push_back(shown.original);
      rows.push_back(shown.decoded);
    }
    write_clip_rows(folder / "samples.png", rows,
                    "held-out clips: the original, below it what the auto-encoder makes of it");
  }

 private:
  static constexpr std::int64_t kClips = 4;
};

video::NamedTensors initial_weights_of(const VaePartRequest& request,
                                       const video::WanVaeConfig& config) {
  if (request.init_path.empty()) {
    return video::quiet_latents(initial_weights(config, request.run.seed));
  }
  if (!fs::exists(request.init_path)) {
    refuse("--init", "a VAE's folder or file, or a run's folder", request.init_path);
  }
  try {
    return video::load_vae_weights(init_weights(request), config);
  } catch (const Error& error) {
    throw InvalidArgument(concat("--init: ", error.what()));
  }
}

// The encoder that stays comes with the statistics of its latents, which its config has.
void check_decoder_only(const VaePartRequest& request) {
  if (!request.trainer.decoder_only) return;
  if (request.init_path.empty()) {
    refuse("--decoder-only", "--init with the auto-encoder whose encoder stays", "nothing");
  }
  if (!request.config_path.empty()) {
    refuse("--decoder-only", "the sizes of --init", concat("--config ", request.config_path));
  }
  if (fs::exists(request.init_path) && !fs::exists(init_weights(request) / "config.json")) {
    refuse("--init", "a folder with config.json and weights", request.init_path);
  }
}

int run_vae_part(VaePartRequest request) {
  video::VaeTrainerOptions& trainer = request.trainer;
  check_decoder_only(request);
  const video::WanVaeConfig config = config_of(request);
  trainer.cut.height = request.crop.value_or(trainer.clips.size.height);
  trainer.cut.width = request.crop.value_or(trainer.clips.size.width);
  trainer.clips.size.num_frames = std::max(kWorldFrames, trainer.cut.frames);
  check_sizes(request, config);
  trainer.placement = {
      .compute = request.dtype.value_or(request.run.device.is_cpu() ? at::kFloat : at::kBFloat16),
      .device = request.run.device};
  if (trainer.placement.compute == at::kHalf) refuse("--dtype", "float32 or bfloat16", "float16");
  trainer.format =
      request.format.value_or(request.run.device.is_cpu() ? at::MemoryFormat::Contiguous
                                                          : at::MemoryFormat::ChannelsLast3d);
  trainer.clips.device = request.run.device;
  trainer.clips.seed = trainer.seed = request.run.seed;
  if (trainer.decoder_only) trainer.loss.divergence_weight = 0;  // it cannot change
  const video::NamedTensors weights = initial_weights_of(request, config);
  return run_training_part(request.run, settings_of(request, config), [&] {
    return std::make_unique<PicturedVaeTrainer>(config, weights, trainer);
  });
}

void add_clip_options(CLI::App& app, VaePartRequest& request) {
  OptionGroup group(app, "Clips");
  video::VaeTrainerOptions& trainer = request.trainer;
  add_integer(group, "--width", trainer.clips.size.width, {16, 4096}, "Of drawn clips; 256");
  add_integer(group, "--height", trainer.clips.size.height, {16, 4096}, "Of drawn clips; 256");
  add_integer(group, "--clips", trainer.clips.count, {1, 1 << 20},
              "Clips of 49 frames drawn, one more a step; 1024. Each stays on the device: 9.6 MB");
  add_integer(group, "--clip-frames", trainer.cut.frames, {1, 1 << 16},
              "Consecutive frames that a step takes of a clip, 4k+1; 17");
  group.add_value(
      "--crop", "N",
      [&request](const std::string& text) {
        request.crop = parse_integer("--crop", text, {8, 4096});
      },
      "Side of the square, at random places, that it takes of them; default: whole frames");
  add_integer(group, "--held-out-clips", trainer.held_out_clips, {1, video::kMaxHeldOutPrompts},
              "Clips of scenes that are never trained on, to evaluate with; 16");
  add_integer(group, "--batch-size", trainer.batch_size, {1, 1 << 16}, "Cuts a step; 8");
}

void add_training_options(CLI::App& app, VaePartRequest& request) {
  OptionGroup group(app, "Training");
  video::VaeTrainerOptions& trainer = request.trainer;
  add_number(group, "--learning-rate", trainer.learning_rate.peak, 1, "At its peak; 0.001");
  add_integer(group, "--warmup-steps", trainer.learning_rate.warmup_steps, {0, 1 << 20},
              "Steps until it gets there; 200");
  add_number(group, "--edge-weight", trainer.loss.edge_weight, 100,
             "Of the difference of edges in the loss; 0.5");
  add_number(group, "--divergence-weight", trainer.loss.divergence_weight, 100,
             "Of the latents' divergence from the standard normal; 1e-6");
  add_number(group, "--first-frame-weight", trainer.loss.first_frame_weight, 1000,
             "Of the first frame of a cut in the loss, against 1 of each other; 1", false);
  add_number(group, "--ema-decay", trainer.optimiser.ema_decay, 1,
             "Of the averaged weights, which are what is written; 0.999");
  group.add_value(
      "--dtype", "TYPE",
      [&request](const std::string& text) { request.dtype = parse_scalar_type("--dtype", text); },
      "To compute in: bfloat16 (default on a GPU) or float32; weights are kept in float32");
  group.add_value(
      "--memory-format", "NAME",
      [&request](const std::string& text) {
        if (text == "channels-last") {
          request.format = at::MemoryFormat::ChannelsLast3d;
        } else if (text == "contiguous") {
          request.format = at::MemoryFormat::Contiguous;
        } else {
          refuse("--memory-format", "channels-last or contiguous", text);
        }
      },
      "Of activations: channels-last (default on a GPU) or contiguous");
  group.add_value(
      "--init", "PATH", [&request](const std::string& text) { request.init_path = text; },
      "Begin with these weights: a VAE's folder or file, or the folder of a model or run");
  group.add_flag(
      "--decoder-only", [&trainer] { trainer.decoder_only = true; },
      "Train the decoder alone: the encoder of --init and the statistics of its latents stay as "
      "they are, bit for bit");
  group.add_value(
      "--config", "FILE", [&request](const std::string& text) { request.config_path = text; },
      "Sizes of the network, as diffusers' config.json has them; default: those of --init, else "
      "the shipped model's (base_dim 16, z_dim 16)");
}

std::function<int()> add_vae_options(CLI::App& app) {
  auto request = std::make_shared<VaePartRequest>();
  request->trainer.learning_rate = {.peak = 1e-3, .warmup_steps = 200, .final_ratio = 0.02};
  request->run.add_to(app);
  add_clip_options(app, *request);
  add_training_options(app, *request);
  return [request] { return run_vae_part(*request); };
}

}  // namespace

Command vae_part() {
  return {.name = "vae",
          .summary = "The auto-encoder, on clips of the synthetic world",
          .add_options = add_vae_options};
}

}  // namespace radial::tools
