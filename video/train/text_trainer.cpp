#include "video/train/text_trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

#include "radial/base/error.h"
#include "video/checkpoint/memory_source.h"
#include "video/nn/transfer.h"
#include "video/train/caption_targets.h"
#include "video/train/model_folder.h"
#include "video/train/training_captions.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

constexpr const char* kEncoder = "encoder.";
constexpr const char* kHeadWeight = "facts.weight";
constexpr const char* kHeadBias = "facts.bias";

NamedTensors with_head(const Umt5Config& config, const NamedTensors& weights) {
  NamedTensors all;
  for (const auto& [name, tensor] : weights) all.emplace(kEncoder + name, tensor);
  const std::int64_t facts = num_caption_targets();
  all.emplace(kHeadWeight, at::zeros({facts, config.d_model}, at::kFloat));
  all.emplace(kHeadBias, at::zeros({facts}, at::kFloat));
  return all;
}

Umt5Encoder make_encoder(const Umt5Config& config, TableSource source) {
  return Umt5Encoder(config, source);
}

const TextTrainerOptions& checked(const TextTrainerOptions& options) {
  options.check();
  return options;
}

}  // namespace

void TextTrainerOptions::check() const {
  learning_rate.check();
  RADIAL_REQUIRE(batch_size >= 1, "batch size: expected at least 1, got ", batch_size);
  RADIAL_REQUIRE(text_len >= 1, "text_len: expected at least 1, got ", text_len);
  RADIAL_REQUIRE(eval_prompts >= 1 && eval_prompts <= kMaxHeldOutPrompts,
                 "eval prompts: expected 1 to ", kMaxHeldOutPrompts, ", got ", eval_prompts);
}

TextTrainer::TextTrainer(const Umt5Config& config, const NamedTensors& weights,
                         const std::filesystem::path& tokenizer, const TextTrainerOptions& options)
    : options_(checked(options)),
      tokenizer_(Tokenizer::open(tokenizer)),
      parameters_(with_head(config, weights), {}, options.placement),
      optimiser_(parameters_, options.optimiser),
      encoder_(make_encoder(config, parameters_.source(kEncoder))) {
  RADIAL_REQUIRE(tokenizer_.vocabulary_size() <= config.vocab_size,
                 "tokenizer: expected at most the ", config.vocab_size,
                 " tokens of the text encoder, got ", tokenizer_.vocabulary_size());
}

void TextTrainer::add(Batch& batch, const std::string& text, std::vector<float>& targets) const {
  batch.captions.push_back(caption_tokens(tokenizer_, text, options_.text_len));
  const auto facts = static_cast<std::size_t>(num_caption_targets());
  targets.resize(targets.size() + facts);
  // What the caption says, which may be less than what is to be seen.
  caption_targets(parse_caption(text), std::span(targets).last(facts));
}

TextTrainer::Batch TextTrainer::finished(Batch batch, const std::vector<float>& targets) const {
  const at::Tensor host = at::tensor(targets, at::kFloat).view({-1, num_caption_targets()});
  batch.targets = sent_to(host, parameters_.device());
  return batch;
}

TextTrainer::Batch TextTrainer::drawn(std::int64_t step) const {
  CounterRandom random = caption_random(options_.seed, step);
  Batch batch;
  std::vector<float> targets;
  for (std::int64_t i = 0; i < options_.batch_size; ++i) {
    const auto index = static_cast<std::uint64_t>(step * options_.batch_size + i);
    add(batch, training_caption(sample_training_scene(options_.seed, index), random), targets);
  }
  return finished(std::move(batch), targets);
}

TextTrainer::Batch TextTrainer::held_out() const {
  Batch batch;
  std::vector<float> targets;
  for (const HeldOutPrompt& prompt : held_out_prompts(static_cast<int>(options_.eval_prompts))) {
    add(batch, prompt.text, targets);
  }
  return finished(std::move(batch), targets);
}

TextTrainer::Told TextTrainer::tell(const Umt5Encoder& encoder, const at::Tensor& weight,
                                    const at::Tensor& bias, const Batch& batch) const {
  const auto rows = static_cast<std::int64_t>(batch.captions.size());
  std::int64_t longest = 0;
  for (const CaptionTokens& caption : batch.captions) {
    longest = std::max(longest, static_cast<std::int64_t>(caption.size()));
  }
  at::Tensor present = at::zeros({rows, longest, 1}, at::kFloat);
  for (std::int64_t row = 0; row < rows; ++row) {
    const CaptionTokens& caption = batch.captions[static_cast<std::size_t>(row)];
    present[row].narrow(0, 0, static_cast<std::int64_t>(caption.size())).fill_(1);
  }
  const at::Tensor embedded =
      caption_embeddings(encoder, batch.captions, longest, parameters_.device());
  return {.logits = at::linear(embedded, weight, bias).to(at::kFloat),
          .present = sent_to(present, parameters_.device())};
}

at::Tensor TextTrainer::loss_of(const Told& told, const at::Tensor& targets) {
  const at::Tensor each = at::binary_cross_entropy_with_logits(
      told.logits, targets.unsqueeze(1).expand_as(told.logits), {}, {}, at::Reduction::None);
  return (each * told.present).sum() / (told.present.sum() * targets.size(1));
}

void TextTrainer::step(const TrainingMoment& moment) {
  const Batch batch = drawn(moment.step);
  const NamedTensors& leaves = parameters_.leaves();
  const at::Tensor loss =
      loss_of(tell(encoder_, leaves.at(kHeadWeight), leaves.at(kHeadBias), batch), batch.targets);
  loss.backward();
  parameters_.gather_gradients();
  learning_rate_ = options_.learning_rate.at(moment.step, moment.progress);
  const at::Tensor norm = optimiser_.step(learning_rate_);
  loss_sum_ = summed_ == 0 ? loss.detach() : loss_sum_ + loss.detach();
  norm_sum_ = summed_ == 0 ? norm : norm_sum_ + norm;
  ++summed_;
}

LogValues TextTrainer::measured() {
  if (summed_ == 0) return {};
  const auto steps = static_cast<double>(summed_);
  summed_ = 0;
  return {{"loss", loss_sum_.item<double>() / steps},
          {"gradient_norm", norm_sum_.item<double>() / steps},
          {"learning_rate", learning_rate_}};
}

LogValues TextTrainer::evaluated() {
  const at::NoGradGuard no_grad;
  NamedTensors encoder;
  at::Tensor weight, bias;
  for (const auto& [name, tensor] : optimiser_.averaged()) {
    if (name == kHeadWeight) {
      weight = tensor;
    } else if (name == kHeadBias) {
      bias = tensor;
    } else {
      encoder.emplace(name.substr(std::string(kEncoder).size()), tensor);
    }
  }
  const Batch batch = held_out();
  const Told told =
      tell(make_encoder(encoder_.config(), TableSource(std::move(encoder))), weight, bias, batch);
  const at::Tensor mean = (told.logits * told.present).sum(1) / told.present.sum(1);
  const at::Tensor right = (mean > 0) == (batch.targets > 0.5);
  return {{"eval_loss", loss_of(told, batch.targets).item<double>()},
          {"facts_right", right.to(at::kFloat).mean().item<double>()},
          {"prompts_right", right.all(1).to(at::kFloat).mean().item<double>()}};
}

void TextTrainer::write_results(const std::filesystem::path& folder) {
  NamedTensors encoder;
  for (const auto& [name, tensor] : optimiser_.averaged()) {
    if (name.starts_with(kEncoder)) {
      encoder.emplace(name.substr(std::string(kEncoder).size()), tensor);
    }
  }
  write_model_part(folder / "text_encoder", encoder_.config(), encoder);
}

}  // namespace radial::video
