#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "train_base/dit_sizes.h"
#include "train_base/parts.h"
#include "train_base/run_options.h"
#include "train_base/value_options.h"
#include "video/train/text_trainer.h"
#include "video/world/caption.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

struct TextPartRequest {
  RunOptions run;
  video::TextTrainerOptions trainer;
  std::string config;
  std::optional<at::ScalarType> dtype;
};

nlohmann::ordered_json settings_of(const TextPartRequest& request, const video::Umt5Config& text) {
  const video::TextTrainerOptions& trainer = request.trainer;
  return {{"part", "text"},
          {"batch-size", trainer.batch_size},
          {"learning-rate", trainer.learning_rate.peak},
          {"warmup-steps", trainer.learning_rate.warmup_steps},
          {"ema-decay", trainer.optimiser.ema_decay},
          {"dtype", trainer.placement.compute == at::kFloat ? "float32" : "bfloat16"},
          {"device", request.run.device.is_cpu() ? "cpu" : "cuda"},
          {"text-len", trainer.text_len},
          {"text-dim", text.d_model},
          {"text-layers", text.num_layers},
          {"text-ffn-dim", text.d_ff}};
}

int run_text_part(TextPartRequest request) {
  request.run.check();
  video::TextTrainerOptions& trainer = request.trainer;
  const bool on_cpu = request.run.device.is_cpu();
  trainer.placement = {.compute = request.dtype.value_or(on_cpu ? at::kFloat : at::kBFloat16),
                       .device = request.run.device};
  if (trainer.placement.compute == at::kHalf) refuse("--dtype", "float32 or bfloat16", "float16");
  trainer.seed = request.run.seed;
  constexpr std::int64_t kAnyLatents = 16;  // of the transformer, which is not made here
  DitSizes sizes = dit_sizes(request.config, kAnyLatents);
  trainer.text_len = sizes.transformer.text_len;
  return run_training_part(request.run, settings_of(request, sizes.text), [&] {
    const fs::path tokenizer = fs::path(request.run.out) / "tokenizer";
    make_tokenizer(tokenizer, request.run.seed);
    sizes.text.vocab_size = video::Tokenizer::open(tokenizer).vocabulary_size();
    return std::make_unique<video::TextTrainer>(
        sizes.text, initial_weights(sizes.text, request.run.seed), tokenizer, trainer);
  });
}

void add_training_options(CLI::App& app, TextPartRequest& request) {
  OptionGroup group(app, "Training");
  video::TextTrainerOptions& trainer = request.trainer;
  group.add_value(
      "--config", "FILE", [&request](const std::string& text) { request.config = text; },
      "Sizes other than the shipped model's, as for train-base dit");
  group.add_value(
      "--dtype", "TYPE",
      [&request](const std::string& text) { request.dtype = parse_scalar_type("--dtype", text); },
      "To compute in: bfloat16 (default on a GPU) or float32; weights are kept in float32");
  add_integer(group, "--batch-size", trainer.batch_size, {1, 1 << 16}, "Captions a step; 256");
  add_number(group, "--learning-rate", trainer.learning_rate.peak, 1, "At its peak; 0.001", false);
  add_integer(group, "--warmup-steps", trainer.learning_rate.warmup_steps, {0, 1 << 20},
              "Steps until it gets there; 50");
  add_number(group, "--ema-decay", trainer.optimiser.ema_decay, 1,
             "Of the averaged weights, which are what is written; 0.99");
  add_integer(group, "--eval-prompts", trainer.eval_prompts, {1, video::kMaxHeldOutPrompts},
              "Held-out prompts of the evaluation; 64");
}

std::function<int()> add_text_options(CLI::App& app) {
  auto request = std::make_shared<TextPartRequest>();
  request->trainer.learning_rate = {.peak = 1e-3, .warmup_steps = 50, .final_ratio = 0.05};
  request->trainer.optimiser.beta2 = 0.99;
  request->trainer.optimiser.ema_decay = 0.99;
  request->run.add_to(app);
  add_training_options(app, *request);
  return [request] { return run_text_part(*request); };
}

}  // namespace

Command text_part() {
  return {.name = "text",
          .summary = "The text encoder alone, to tell what captions say, before the transformer",
          .add_options = add_text_options};
}

}  // namespace radial::tools
