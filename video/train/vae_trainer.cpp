#include "video/train/vae_trainer.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/train/model_folder.h"
#include "video/world/caption.h"

namespace radial::video {
namespace {

// What `sums_` holds, in order.
enum Measure {
  kLoss,
  kAbsolute,
  kEdges,
  kDivergence,
  kMeanSquare,
  kFirstMeanSquare,
  kGradientNorm,
  kNumMeasures
};

WanVae vae_of(const WanVaeConfig& config, TableSource source) {
  WanVae vae(config, source);
  source.finish();
  return vae;
}

bool is_of_decoder(const std::string& name) {
  return name.starts_with("decoder.") || name.starts_with("post_quant_conv.");
}

// The tensors that are trained, or those that are not.
NamedTensors chosen(const NamedTensors& weights, bool decoder_only, bool trained) {
  NamedTensors found;
  for (const auto& [name, tensor] : weights) {
    if ((!decoder_only || is_of_decoder(name)) == trained) found.emplace(name, tensor);
  }
  return found;
}

TableSource joined(NamedTensors tensors, const NamedTensors& others, at::TensorOptions options) {
  for (const auto& [name, tensor] : others) tensors.emplace(name, tensor.to(options));
  return TableSource(std::move(tensors));
}

// The same numbers in the smaller of the types that weights are written in.
at::Tensor exactly_written(const at::Tensor& tensor) {
  at::Tensor small = tensor.to(at::kBFloat16);
  return small.to(at::kFloat).equal(tensor) ? small : tensor;
}

}  // namespace

void VaeTrainerOptions::check() const {
  loss.check();
  RADIAL_REQUIRE(learning_rate.peak > 0, "learning rate: expected a positive number, got ",
                 learning_rate.peak);
  RADIAL_REQUIRE(batch_size >= 1, "batch_size: expected 1 or more, got ", batch_size);
  RADIAL_REQUIRE(held_out_clips >= 1 && held_out_clips <= kMaxHeldOutPrompts,
                 "held_out_clips: expected 1 to ", kMaxHeldOutPrompts, ", got ", held_out_clips);
  RADIAL_REQUIRE(statistics_clips >= 1, "statistics_clips: expected 1 or more, got ",
                 statistics_clips);
}

WanVaeConfig with_unit_statistics(WanVaeConfig config) {
  config.latents_mean.assign(static_cast<std::size_t>(config.z_dim), 0.0);
  config.latents_std.assign(static_cast<std::size_t>(config.z_dim), 1.0);
  return config;
}

NamedTensors quiet_latents(NamedTensors weights) {
  constexpr double kLogVariance = -6;
  at::Tensor& bias = weights.at("quant_conv.bias");  // [2 z]: means, then logarithms of variances
  bias = bias.clone();
  bias.narrow(0, bias.size(0) / 2, bias.size(0) / 2).add_(kLogVariance);
  return weights;
}

NamedTensors load_vae_weights(const std::filesystem::path& path, const WanVaeConfig& config) {
  CheckpointSource source(Checkpoint::open(path), PartKind::kWanVae, {});
  ShapeSource shapes(at::kFloat);
  const WanVae wanted(config, shapes);
  NamedTensors weights;
  for (const auto& [name, shape] : shapes.shapes()) weights[name] = source.tensor(name, shape);
  source.finish();
  return weights;
}

VaeTrainer::VaeTrainer(const WanVaeConfig& config, const NamedTensors& weights,
                       const VaeTrainerOptions& options)
    : options_(options),
      given_config_(config),
      config_(with_unit_statistics(config)),
      frozen_(chosen(weights, options.decoder_only, false)),
      parameters_(chosen(weights, options.decoder_only, true), {}, options.placement),
      optimiser_(parameters_, options.optimiser),
      vae_(vae_of(
          config_,
          joined(parameters_.leaves(), frozen_,
                 at::TensorOptions(options.placement.device).dtype(options.placement.compute)))),
      clips_(options.clips) {
  options_.check();
  // Shapes do not change from step to step, so that trying out convolutions pays.
  at::globalContext().setBenchmarkCuDNN(true);
  sums_ = at::zeros({kNumMeasures}, at::TensorOptions(options.placement.device).dtype(at::kFloat));
}

void VaeTrainer::step(const TrainingMoment& moment) {
  const at::Tensor pixels =
      clips_.batch(options_.cut, options_.batch_size, moment.step, options_.format);
  const VaeLoss loss =
      vae_loss(vae_, pixels, options_.loss, {.seed = options_.seed, .step = moment.step});
  loss.total.backward();
  parameters_.gather_gradients();
  learning_rate_ = options_.learning_rate.at(moment.step, moment.progress);
  const at::Tensor norm = optimiser_.step(learning_rate_);
  const at::NoGradGuard no_gradients;
  sums_.add_(at::stack({loss.total.detach(), loss.absolute, loss.edges, loss.divergence,
                        loss.mean_square, loss.first_mean_square, norm}));
  ++summed_steps_;
}

LogValues VaeTrainer::measured() {
  const at::Tensor means =
      (sums_ / static_cast<double>(std::max<std::int64_t>(summed_steps_, 1))).cpu();
  sums_.zero_();
  summed_steps_ = 0;
  const auto mean = [&means](Measure measure) {
    return double{means.const_data_ptr<float>()[measure]};
  };
  return {{"loss", mean(kLoss)},
          {"absolute", mean(kAbsolute)},
          {"edges", mean(kEdges)},
          {"divergence", mean(kDivergence)},
          {"psnr", psnr(mean(kMeanSquare))},
          {"first_psnr", psnr(mean(kFirstMeanSquare))},
          {"gradient_norm", mean(kGradientNorm)},
          {"learning_rate", learning_rate_}};
}

// What is written, as a reader will use it.
WanVae VaeTrainer::averaged_vae() const {
  NamedTensors weights;
  for (const auto& [name, tensor] : optimiser_.averaged()) {
    weights.emplace(name, tensor.to(at::kBFloat16).to(at::kFloat));
  }
  return vae_of(config_, joined(std::move(weights), frozen_, parameters_.device()));
}

at::Tensor VaeTrainer::held_out_clip(std::int64_t index) {
  if (held_out_.empty()) {
    for (const HeldOutPrompt& prompt :
         held_out_prompts(static_cast<int>(options_.held_out_clips))) {
      held_out_.push_back(
          bytes_of_pixels(render({prompt.scene}, options_.clips.size, parameters_.device())));
    }
  }
  return pixels_of_bytes(held_out_.at(static_cast<std::size_t>(index)), options_.format);
}

LogValues VaeTrainer::evaluated() {
  const at::NoGradGuard no_gradients;
  const WanVae vae = averaged_vae();
  double sum = 0, least = 1e9, first_sum = 0;
  for (std::int64_t i = 0; i < options_.held_out_clips; ++i) {
    const at::Tensor pixels = held_out_clip(i);
    const VaePass whole{.chunk_frames = 0};
    const at::Tensor decoded = vae.decode(vae.encode(pixels, whole), whole);
    const at::Tensor squares = (decoded - pixels).square();
    const double value = psnr(squares.mean().item<double>());
    sum += value;
    least = std::min(least, value);
    first_sum += psnr(squares.select(2, 0).mean().item<double>());
  }
  const auto count = static_cast<double>(options_.held_out_clips);
  return {{"held_out_psnr", sum / count},
          {"held_out_psnr_least", least},
          {"held_out_first_psnr", first_sum / count}};
}

WanVaeConfig VaeTrainer::config_with_statistics() {
  if (options_.decoder_only) return given_config_;
  const WanVae vae = averaged_vae();
  LatentStatistics statistics;
  const std::int64_t count = std::min(options_.statistics_clips, options_.clips.count);
  for (std::int64_t i = 0; i < count; ++i) {
    statistics.add(vae.encode(clips_.clip(i, options_.format), {.chunk_frames = 0}));
  }
  WanVaeConfig config = config_;
  config.latents_mean = statistics.mean();
  config.latents_std = statistics.deviation();
  return config;
}

void VaeTrainer::write_results(const std::filesystem::path& folder) {
  const at::NoGradGuard no_gradients;
  NamedTensors kept;
  for (const auto& [name, tensor] : frozen_) kept.emplace(name, exactly_written(tensor));
  write_model_part(folder / "vae", config_with_statistics(), optimiser_.averaged(), at::kBFloat16,
                   kept);
}

VaeTrainer::Sample VaeTrainer::sample(std::int64_t index) {
  const at::NoGradGuard no_gradients;
  const at::Tensor pixels = held_out_clip(index);
  const WanVae vae = averaged_vae();
  const VaePass whole{.chunk_frames = 0};
  const at::Tensor decoded = vae.decode(vae.encode(pixels, whole), whole);
  return {bytes_of_pixels(pixels)[0].cpu(), bytes_of_pixels(decoded)[0].cpu()};
}

}  // namespace radial::video
