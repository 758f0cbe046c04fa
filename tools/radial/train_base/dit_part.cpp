#include <ATen/Context.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "train_base/clip_picture.h"
#include "train_base/dit_sizes.h"
#include "train_base/parts.h"
#include "train_base/run_options.h"
#include "train_base/value_options.h"
#include "video/nn/interruption.h"
#include "video/nn/token_ops.h"
#include "video/pipeline/text_to_video.h"
#include "video/text/tokenizer.h"
#include "video/train/dit_training.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMegabyte = 1000000;

struct DitPartRequest {
  RunOptions run;
  video::DitTrainingOptions training;
  std::string vae, text, tokenizer, init, config, clips_folder;
  std::optional<at::ScalarType> dtype;
  std::optional<std::int64_t> new_clips;
  std::optional<double> draw_share;
  std::int64_t sample_steps = 20, max_shard_mb = 0;
  bool cudnn_attention = false, fused_kernels = true;
};

// Adds pictures of samples to what the training writes. That they fail must not cost the weights.
class PicturedDitTraining : public video::DitTraining {
 public:
  using DitTraining::DitTraining;

  void write_results(const fs::path& folder) override {
    DitTraining::write_results(folder);
    try {
      write_samples(folder);
    } catch (const video::Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      warn(concat("no samples: ", error.what()));
    }
    if (!trouble().empty()) warn(concat("no new clips: ", trouble()));
  }

 private:
  void write_samples(const fs::path& folder) const {
    const Samples drawn = samples();
    if (drawn.clips.empty()) return;
    std::string prompts;
    for (const std::string& prompt : drawn.prompts) prompts += prompt + '\n';
    write_clip_rows(folder / "samples.png", drawn.clips, prompts);
    video::write_text_file(folder / "samples.txt", prompts);
  }

  static void warn(const std::string& what) {
    std::fprintf(stderr, "\nradial: %s\n", what.c_str());
  }
};

void require_folder(const char* option, const std::string& path, const char* file,
                    const char* expected) {
  if (!fs::exists(fs::path(path) / file)) refuse(option, expected, path);
}

// What can be refused before anything is read.
void check(const DitPartRequest& request) {
  if (request.vae.empty() && request.init.empty()) {
    refuse("--vae", "the folder of an auto-encoder, or of a model or a run that has one", "");
  }
  if (!request.vae.empty() && !fs::exists(fs::path(request.vae) / "config.json") &&
      !fs::exists(fs::path(request.vae) / "vae" / "config.json")) {
    refuse("--vae", "the folder of an auto-encoder, or of a model or a run that has one",
           request.vae);
  }
  if (!request.init.empty()) {
    require_folder("--init", request.init, "model_index.json", "the folder of a model");
    for (const auto& [option, value] : {std::pair{"--config", request.config},
                                        {"--text", request.text},
                                        {"--tokenizer", request.tokenizer}}) {
      if (!value.empty()) refuse(option, "nothing together with --init, which decides it", value);
    }
  }
  if (!request.tokenizer.empty()) {
    require_folder("--tokenizer", request.tokenizer, "spiece.model", "a folder with spiece.model");
  }
  if (!request.text.empty()) {
    if (!request.tokenizer.empty()) {
      refuse("--tokenizer", "nothing together with --text, which brings one", request.tokenizer);
    }
    for (const char* file : {"text_encoder/config.json", "tokenizer/spiece.model"}) {
      require_folder("--text", request.text, file,
                     "a folder with text_encoder and tokenizer, of a run of train-base text or of "
                     "a model");
    }
  }
  if (!request.clips_folder.empty()) {
    if (!fs::is_directory(request.clips_folder)) {
      refuse("--latents", "a folder that train-base latents wrote", request.clips_folder);
    }
    if (request.new_clips || request.draw_share) {
      refuse(request.new_clips ? "--new-clips" : "--draw-share",
             "nothing together with --latents, whose clips stay the same", "a number");
    }
  }
  if (request.new_clips && request.draw_share) {
    refuse("--draw-share", "nothing together with --new-clips", "a number");
  }
}

video::WanModel begin_model(const DitPartRequest& request, const DitSizes& sizes,
                            video::VaeWeights vae, video::TextWeights text) {
  video::WanModel model;
  model.tokenizer = text.weights.empty() ? fs::path(request.tokenizer) : text.tokenizer;
  if (model.tokenizer.empty()) {
    model.tokenizer = fs::path(request.run.out) / "tokenizer";
    make_tokenizer(model.tokenizer, request.run.seed);
  }
  model.transformer_config = sizes.transformer;
  model.text_config = sizes.text;
  model.transformer = initial_weights(model.transformer_config, request.run.seed);
  if (text.weights.empty()) {
    model.text_config.vocab_size = video::Tokenizer::open(model.tokenizer).vocabulary_size();
    model.text_encoder = initial_weights(model.text_config, request.run.seed);
  } else {
    model.text_encoder = std::move(text.weights);
  }
  model.vae_config = std::move(vae.config);
  model.vae = std::move(vae.weights);
  return model;
}

// What decides the result, by the names of options.
nlohmann::ordered_json settings_of(const DitPartRequest& request, const video::WanConfig& sizes,
                                   const video::Umt5Config& text) {
  const video::DitTrainingOptions& training = request.training;
  const video::DitTrainerOptions& trainer = training.trainer;
  return {{"part", "dit"},
          {"vae", request.vae},
          {"init", request.init},
          {"text", request.text},
          {"tokenizer", request.tokenizer},
          {"width", training.size.width},
          {"height", training.size.height},
          {"num-frames", training.size.num_frames},
          {"latents", request.clips_folder},
          {"clips", training.clips.capacity},
          {"new-clips", training.clips.new_per_step},
          {"draw-share", training.clips.background_share},
          {"draw-threads", training.clips.background_threads},
          {"batch-size", training.batch_size},
          {"passes", training.passes},
          {"learning-rate", trainer.learning_rate.peak},
          {"warmup-steps", trainer.learning_rate.warmup_steps},
          {"final-rate", trainer.learning_rate.final_ratio},
          {"weight-decay", trainer.optimiser.weight_decay},
          {"ema-decay", trainer.optimiser.ema_decay},
          {"caption-dropout", trainer.caption_dropout},
          {"sigma-deviation", trainer.sigmas.deviation},
          {"sigma-shift", trainer.sigmas.shift},
          {"dtype", trainer.placement.compute == at::kFloat ? "float32" : "bfloat16"},
          {"device", request.run.device.is_cpu() ? "cpu" : "cuda"},
          {"heads", sizes.num_attention_heads},
          {"head-dim", sizes.attention_head_dim},
          {"layers", sizes.num_layers},
          {"ffn-dim", sizes.ffn_dim},
          {"text-len", sizes.text_len},
          {"text-dim", text.d_model},
          {"text-layers", text.num_layers},
          {"text-ffn-dim", text.d_ff}};
}

// The options as the library takes them; what depends on the device is decided here.
void resolve(DitPartRequest& request) {
  video::DitTrainingOptions& training = request.training;
  const bool on_cpu = request.run.device.is_cpu();
  at::Device device = request.run.device;
  if (!on_cpu && !device.has_index()) device = at::Device(device.type(), 0);
  training.trainer.placement = {
      .compute = request.dtype.value_or(on_cpu ? at::kFloat : at::kBFloat16), .device = device};
  if (training.trainer.placement.compute == at::kHalf) {
    refuse("--dtype", "float32 or bfloat16", "float16");
  }
  training.trainer.seed = training.clips.seed = request.run.seed;
  training.samples.num_steps = static_cast<int>(request.sample_steps);
  training.clips_folder = request.clips_folder;
  training.max_shard_bytes = request.max_shard_mb * kMegabyte;
  if (request.new_clips) {
    training.clips.new_per_step = *request.new_clips;
  } else if (request.draw_share || !on_cpu) {
    constexpr double kShareOnGpu = 0.5;
    training.clips.background_share = request.draw_share.value_or(kShareOnGpu);
  }
}

// Which of torch's kernels dense attention tries first, for the whole process.
void prefer_cudnn_attention() {
  std::vector<std::int64_t> order;
  for (const at::SDPBackend backend :
       {at::SDPBackend::cudnn_attention, at::SDPBackend::flash_attention,
        at::SDPBackend::efficient_attention, at::SDPBackend::math, at::SDPBackend::overrideable}) {
    order.push_back(static_cast<std::int64_t>(backend));
  }
  at::globalContext().setSDPPriorityOrder(order);
}

int run_dit_part(DitPartRequest request) {
  request.run.check();
  check(request);
  resolve(request);
  if (request.cudnn_attention) prefer_cudnn_attention();
  video::use_fused_kernels(request.fused_kernels ? video::FusedKernels::kWithoutGradients
                                                 : video::FusedKernels::kNever);
  try {
    // Read once: sizes decide the settings, which are compared before the run begins.
    auto model = std::make_shared<video::WanModel>();
    DitSizes sizes;
    video::VaeWeights vae;
    auto text_encoder = std::make_shared<video::TextWeights>();
    if (!request.vae.empty()) vae = video::read_vae_folder(request.vae);
    if (!request.init.empty()) {
      *model = video::read_model_folder(request.init);
      if (request.vae.empty()) vae = {.config = model->vae_config, .weights = model->vae};
      sizes = {.transformer = model->transformer_config, .text = model->text_config};
    } else {
      sizes = dit_sizes(request.config, vae.config.z_dim);
      if (!request.text.empty()) {
        *text_encoder = video::read_text_folder(request.text);
        sizes.text = text_encoder->config;
        RADIAL_REQUIRE(sizes.text.d_model == sizes.transformer.text_dim,
                       "--text: expected embeddings of width ", sizes.transformer.text_dim,
                       ", got ", sizes.text.d_model);
      }
    }
    const video::ClipSize& size = request.training.size;
    video::latent_shape({size.width, size.height, size.num_frames}, sizes.transformer, vae.config);
    RADIAL_REQUIRE(vae.config.z_dim == sizes.transformer.in_channels, "--vae: expected latents of ",
                   sizes.transformer.in_channels, " channels, got ", vae.config.z_dim);
    return run_training_part(request.run, settings_of(request, sizes.transformer, sizes.text), [&] {
      if (request.init.empty()) {
        *model = begin_model(request, sizes, vae, std::move(*text_encoder));
      } else {
        model->vae_config = vae.config;
        model->vae = vae.weights;
      }
      return std::make_unique<PicturedDitTraining>(std::move(*model), request.training);
    });
  } catch (const FormatError& error) {
    throw InvalidArgument(error.what());
  }
}

void add_model_options(CLI::App& app, DitPartRequest& request) {
  OptionGroup group(app, "The model");
  const auto add_path = [&](const std::string& name, const std::string& kind, std::string& target,
                            const std::string& help) {
    group.add_value(
        name, kind, [&target](const std::string& text) { target = text; }, help);
  };
  add_path("--vae", "FOLDER", request.vae,
           "The auto-encoder: its folder, or that of a model or of a run of train-base vae");
  add_path("--init", "MODEL", request.init,
           "Begin with the weights of this model's folder (and its VAE, unless --vae is given)");
  add_path("--text", "FOLDER", request.text,
           "Begin with the text encoder and the tokenizer of this folder: of a run of train-base "
           "text, or of a model");
  add_path("--tokenizer", "FOLDER", request.tokenizer,
           "A folder with spiece.model; default: one is trained on captions of the world");
  add_path("--config", "FILE", request.config,
           "Sizes other than the shipped model's: a JSON object with transformer and text_encoder, "
           "whose entries are those of a config.json");
  group.add_value(
      "--dtype", "TYPE",
      [&request](const std::string& text) { request.dtype = parse_scalar_type("--dtype", text); },
      "To compute in: bfloat16 (default on a GPU) or float32; weights are kept in float32");
  group.add_flag(
      "--cudnn-attention", [&request] { request.cudnn_attention = true; },
      "On a GPU, dense attention tries cuDNN's kernels before the ones that torch prefers");
  group.add_flag(
      "--no-fused-kernels", [&request] { request.fused_kernels = false; },
      "On a GPU, evaluations and samples use torch's operators alone, as training does");
}

void add_clip_options(CLI::App& app, DitPartRequest& request) {
  OptionGroup group(app, "Clips");
  video::DitTrainingOptions& training = request.training;
  add_integer(group, "--width", training.size.width, {16, 4096}, "Of drawn clips; 256");
  add_integer(group, "--height", training.size.height, {16, 4096}, "Of drawn clips; 256");
  add_integer(group, "--num-frames", training.size.num_frames, {1, 1 << 16}, "4k+1; 49");
  add_integer(group, "--clips", training.clips.capacity, {1, 1 << 20},
              "Encoded clips held on the device, 0.43 MB each; 2000");
  group.add_value(
      "--new-clips", "N",
      [&request](const std::string& text) {
        request.new_clips = parse_integer("--new-clips", text, {0, 1 << 16});
      },
      "Of these, so many are replaced by new ones before each step; default on a CPU: 1");
  group.add_value(
      "--draw-share", "X",
      [&request](const std::string& text) {
        request.draw_share = parse_number("--draw-share", text, 0, 1);
      },
      "Instead: new ones are drawn beside the training during this share of the time; default on a "
      "GPU: 0.5");
  add_integer(group, "--draw-threads", training.clips.background_threads, {1, 64},
              "Threads that draw them; 1");
  add_integer(group, "--begin-with", training.clips.begin_with, {1, 1 << 20},
              "Clips that must be there before such a training begins; 256");
  group.add_value(
      "--latents", "FOLDER", [&request](const std::string& text) { request.clips_folder = text; },
      "Instead: the clips that train-base latents wrote with this VAE");
}

void add_training_options(CLI::App& app, DitPartRequest& request) {
  OptionGroup group(app, "Training");
  video::DitTrainingOptions& training = request.training;
  video::DitTrainerOptions& trainer = training.trainer;
  add_integer(group, "--batch-size", training.batch_size, {1, 1 << 16}, "Clips a pass; 32");
  add_integer(group, "--passes", training.passes, {1, 1 << 16},
              "Passes a step, whose gradients are averaged; 1");
  add_number(group, "--learning-rate", trainer.learning_rate.peak, 1, "At its peak; 0.0006", false);
  add_integer(group, "--warmup-steps", trainer.learning_rate.warmup_steps, {0, 1 << 20},
              "Steps until it gets there; 200");
  add_number(group, "--final-rate", trainer.learning_rate.final_ratio, 1,
             "Share of it at the end of a half cosine; 0.05");
  add_number(group, "--weight-decay", trainer.optimiser.weight_decay, 1, "Of AdamW; 0.01");
  add_number(group, "--ema-decay", trainer.optimiser.ema_decay, 1,
             "Of the averaged weights, which are what is written; 0.999");
  add_number(group, "--caption-dropout", trainer.caption_dropout, 1,
             "Share of captions shown as the empty one, which guidance needs; 0.1");
  add_number(group, "--sigma-deviation", trainer.sigmas.deviation, 100,
             "Noise levels: 1 / (1 + exp(-X n)) of a normal n; 1.2");
  add_number(group, "--sigma-shift", trainer.sigmas.shift, 100,
             "Then shifted towards noise by this factor; 2", false);
}

void add_result_options(CLI::App& app, DitPartRequest& request) {
  OptionGroup group(app, "What is looked at and written");
  video::DitTrainingOptions& training = request.training;
  add_integer(group, "--eval-clips", training.eval_clips, {0, 500},
              "Held-out clips of the evaluation; 32");
  add_integer(group, "--samples", training.held_out_samples, {0, 100},
              "Held-out prompts that samples.png shows; 4");
  add_integer(group, "--trained-samples", training.trained_samples, {0, 100},
              "Captions of training clips that it shows below; 2");
  add_integer(group, "--sample-steps", request.sample_steps, {1, 1000}, "Euler's steps; 20");
  add_number(group, "--cfg-scale", training.samples.guidance, 100, "Of the samples; 4", false);
  add_number(group, "--flow-shift", training.samples.flow_shift, 100,
             "Of the samples' noise levels, and written as the model's; 3", false);
  add_integer(group, "--max-shard-mb", request.max_shard_mb, {0, 1 << 20},
              "Write larger weights in files of at most so many million bytes; 0: in one");
}

std::function<int()> add_dit_options(CLI::App& app) {
  auto request = std::make_shared<DitPartRequest>();
  video::DitTrainerOptions& trainer = request->training.trainer;
  trainer.learning_rate = {.peak = 6e-4, .warmup_steps = 200, .final_ratio = 0.05};
  trainer.optimiser.beta2 = 0.99;
  trainer.sigmas.deviation = 1.2;
  trainer.sigmas.shift = 2;
  request->run.add_to(app);
  add_model_options(app, *request);
  add_clip_options(app, *request);
  add_training_options(app, *request);
  add_result_options(app, *request);
  return [request] { return run_dit_part(*request); };
}

}  // namespace

Command dit_part() {
  return {.name = "dit",
          .summary = "The transformer and its text encoder, on clips that the VAE encodes",
          .add_options = add_dit_options};
}

}  // namespace radial::tools
