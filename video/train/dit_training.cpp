#include "video/train/dit_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <utility>

#include "radial/base/error.h"
#include "video/checkpoint/memory_source.h"
#include "video/train/clip_files.h"
#include "video/train/training_captions.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

constexpr std::uint64_t kEvalSeed = 0x5EED;  // of the noise of evaluations

std::unique_ptr<WanVae> make_vae(const WanModel& model, const Parameters::Options& placement) {
  NamedTensors weights;
  for (const auto& [name, tensor] : model.vae) {
    weights.emplace(name, tensor.to(placement.device, placement.compute));
  }
  TableSource source(std::move(weights));
  auto vae = std::make_unique<WanVae>(model.vae_config, source);
  source.finish();
  return vae;
}

const DitTrainingOptions& checked(const DitTrainingOptions& options, const WanModel& model) {
  options.check();
  RADIAL_REQUIRE(model.transformer_config.in_channels == model.vae_config.z_dim,
                 "vae: expected latents of ", model.transformer_config.in_channels,
                 " channels, got ", model.vae_config.z_dim);
  return options;
}

at::Tensor screen_bytes(const at::Tensor& clip) {
  return ((clip.to(at::kFloat) + 1) * 127.5).round().clamp(0, 255).to(at::kByte).cpu();
}

}  // namespace

void DitTrainingOptions::check() const {
  RADIAL_REQUIRE(batch_size >= 1, "batch size: expected at least 1, got ", batch_size);
  RADIAL_REQUIRE(passes >= 1, "passes: expected at least 1, got ", passes);
  RADIAL_REQUIRE(eval_clips >= 0 && eval_clips <= kMaxHeldOutPrompts, "eval clips: expected 0 to ",
                 kMaxHeldOutPrompts, ", got ", eval_clips);
  RADIAL_REQUIRE(
      held_out_samples >= 0 && held_out_samples <= kMaxHeldOutPrompts && trained_samples >= 0,
      "samples: expected 0 to ", kMaxHeldOutPrompts, ", got ", held_out_samples);
}

DitTraining::DitTraining(WanModel model, const DitTrainingOptions& options)
    : options_(checked(options, model)),
      model_(std::move(model)),
      tokenizer_(Tokenizer::open(model_.tokenizer)),
      vae_(make_vae(model_, options.trainer.placement)),
      encoder_(
          std::make_unique<ClipEncoder>(*vae_, options.size, options.trainer.placement.device)) {
  RADIAL_REQUIRE(tokenizer_.vocabulary_size() <= model_.text_config.vocab_size,
                 "tokenizer: expected at most the ", model_.text_config.vocab_size,
                 " tokens of the text encoder, got ", tokenizer_.vocabulary_size());
  options_.trainer.empty_caption = tokens_of("");
  trainer_ =
      std::make_unique<DitTrainer>(model_.transformer_config, model_.text_config,
                                   model_.transformer, model_.text_encoder, options_.trainer);
  model_.transformer.clear();
  model_.text_encoder.clear();
  if (options_.clips_folder.empty()) {
    clips_ = std::make_unique<RollingClips>(*encoder_, options_.clips);
  } else {
    clips_ = std::make_unique<FileClips>(options_.clips_folder,
                                         vae_digest(model_.vae_config, model_.vae),
                                         options_.trainer.placement.device);
  }
}

CaptionTokens DitTraining::tokens_of(const std::string& text) const {
  return caption_tokens(tokenizer_, text, model_.transformer_config.text_len);
}

DitBatch DitTraining::batch_of(LatentClips clips, const DrawKey& key) const {
  CounterRandom random = caption_random(key.seed, key.step, key.pass);
  DitBatch batch{.latents = std::move(clips.latents), .captions = {}};
  for (const Scene& scene : clips.scenes) {
    batch.captions.push_back(tokens_of(training_caption(scene, random)));
  }
  return batch;
}

void DitTraining::step(const TrainingMoment& moment) {
  std::vector<DitBatch> passes;
  for (std::int64_t pass = 0; pass < options_.passes; ++pass) {
    const DrawKey key{.seed = options_.trainer.seed, .step = moment.step, .pass = pass};
    passes.push_back(batch_of(clips_->batch(options_.batch_size, key), key));
  }
  learning_rate_ = options_.trainer.learning_rate.at(moment.step, moment.progress);
  const DitTrainer::Step step = trainer_->step(passes, {}, learning_rate_);
  loss_sum_ = summed_ == 0 ? step.loss : loss_sum_ + step.loss;
  norm_sum_ = summed_ == 0 ? step.gradient_norm : norm_sum_ + step.gradient_norm;
  ++summed_;
}

LogValues DitTraining::measured() {
  if (summed_ == 0) return {};
  const auto steps = static_cast<double>(summed_);
  summed_ = 0;
  return {{"loss", loss_sum_.item<double>() / steps},
          {"gradient_norm", norm_sum_.item<double>() / steps},
          {"learning_rate", learning_rate_},
          {"clips", static_cast<double>(clips_->num_drawn())}};
}

void DitTraining::draw_eval() {
  const std::vector<HeldOutPrompt> prompts =
      held_out_prompts(static_cast<int>(options_.eval_clips));
  for (std::int64_t first = 0; first < options_.eval_clips; first += options_.batch_size) {
    const std::int64_t end = std::min(first + options_.batch_size, options_.eval_clips);
    std::vector<at::Tensor> latents;
    DitBatch batch;
    for (std::int64_t i = first; i < end; ++i) {
      const HeldOutPrompt& prompt = prompts[static_cast<std::size_t>(i)];
      latents.push_back(encoder_->encode({prompt.scene}).latents);
      batch.captions.push_back(tokens_of(prompt.text));
    }
    batch.latents = at::cat(latents);
    eval_.push_back(std::move(batch));
  }
}

LogValues DitTraining::evaluated() {
  if (options_.eval_clips == 0) return {};
  const at::NoGradGuard no_grad;
  if (eval_.empty()) draw_eval();
  const DitModel model = trainer_->averaged();
  const WanTransformer::Video video = model.transformer.prepare_video(
      model.transformer.layout_of(eval_.front().latents), model.transformer.device());
  at::Tensor sum;
  for (std::size_t i = 0; i < eval_.size(); ++i) {
    const DrawKey key{.seed = kEvalSeed, .step = static_cast<std::int64_t>(i)};
    const at::Tensor part = flow_loss(model.transformer, model.text_encoder, eval_[i], video,
                                      options_.trainer.sigmas, key) *
                            static_cast<double>(eval_[i].captions.size());
    sum = sum.defined() ? sum + part : part;
  }
  return {{"eval_loss", sum.item<double>() / static_cast<double>(options_.eval_clips)}};
}

void DitTraining::write_results(const std::filesystem::path& folder) {
  WanModel written = model_;
  written.transformer = trainer_->averaged_transformer();
  written.text_encoder = trainer_->averaged_text_encoder();
  written.flow_shift = options_.samples.flow_shift;
  write_model_folder(folder / "model", written,
                     {.max_shard_bytes = options_.max_shard_bytes, .replace = true});
}

DitTraining::Samples DitTraining::samples() const {
  Samples samples;
  if (options_.held_out_samples > 0) {
    for (const HeldOutPrompt& prompt :
         held_out_prompts(static_cast<int>(options_.held_out_samples))) {
      samples.prompts.push_back(prompt.text);
    }
  }
  for (std::int64_t i = 0; i < options_.trained_samples; ++i) {
    const Scene scene = sample_training_scene(options_.clips.seed, static_cast<std::uint64_t>(i));
    samples.prompts.push_back(caption(scene, 0));
  }
  if (samples.prompts.empty()) return samples;
  const at::NoGradGuard no_grad;
  std::vector<CaptionTokens> captions;
  for (const std::string& prompt : samples.prompts) captions.push_back(tokens_of(prompt));
  const at::Tensor latents =
      draw_samples(trainer_->averaged(), captions, options_.trainer.empty_caption,
                   encoder_->latent_shape(), options_.samples);
  for (std::int64_t i = 0; i < latents.size(0); ++i) {
    const at::Tensor clip = vae_->decode(vae_->denormalized(latents.narrow(0, i, 1)));
    samples.clips.push_back(screen_bytes(clip[0]));
  }
  return samples;
}

}  // namespace radial::video
