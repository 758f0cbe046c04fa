#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "video/checkpoint/model_config.h"
#include "video/train/adamw.h"
#include "video/train/learning_rate.h"
#include "video/train/parameters.h"
#include "video/train/training_run.h"
#include "video/train/vae_loss.h"
#include "video/train/world_clips.h"
#include "video/vae/wan_vae.h"

namespace radial::video {

struct VaeTrainerOptions {
  Parameters::Options placement;
  AdamWOptions optimiser{.weight_decay = 0};
  LearningRate learning_rate;
  VaeLossOptions loss;
  WorldClipsOptions clips;
  CutSize cut{17, 256, 256};  ///< what a step learns from: 4k + 1 frames, sides multiples of 8
  std::int64_t batch_size = 8;
  std::uint64_t seed = 0;
  std::int64_t held_out_clips = 16;    ///< what `evaluated` looks at, whole clips
  std::int64_t statistics_clips = 48;  ///< what latents_mean and latents_std are taken over
  /// Train the decoder alone. The encoder and the statistics of the latents stay as they are, bit
  /// for bit, so that what was trained on these latents keeps working.
  bool decoder_only = false;
  /// Of pixels and so of all that follows from them. On a GPU channels are better innermost: tensor
  /// cores want it so, and frames are pictures without a copy.
  at::MemoryFormat format = at::MemoryFormat::Contiguous;

  /// Throws InvalidArgument for what is out of range.
  void check() const;
};

/// Trains an auto-encoder on the synthetic world.
class VaeTrainer : public Trainer {
 public:
  /// Begins at `weights` (float32, canonical names). What `config` says of the latents' mean and
  /// deviation counts only if the encoder stays. Throws InvalidArgument for options out of range,
  /// FormatError for weights that do not fit the config.
  VaeTrainer(const WanVaeConfig& config, const NamedTensors& weights,
             const VaeTrainerOptions& options);

  void step(const TrainingMoment& moment) override;
  /// Means since the last call: "loss" and its parts, "psnr", "first_psnr" (of first frames),
  /// "gradient_norm"; "learning_rate" is that of the last step.
  LogValues measured() override;
  /// "held_out_psnr", "held_out_psnr_least" and "held_out_first_psnr" in dB: of the averaged
  /// weights as they are written, in bfloat16, computed in float32; mean and least of whole clips
  /// of held-out scenes, and the mean of their first frames.
  LogValues evaluated() override;
  std::int64_t clips_per_step() const override { return options_.batch_size; }

  NamedTensors state() const override { return optimiser_.state(); }
  void load_state(const NamedTensors& tensors) override { optimiser_.load_state(tensors); }
  /// The averaged weights with the statistics of their latents as `folder`/vae; an encoder that
  /// was to stay is written in bfloat16 where that is exact, else in float32.
  void write_results(const std::filesystem::path& folder) override;

  /// Held-out clip number `index` and what the averaged weights make of it: bytes
  /// [3, F, height, width] on the CPU.
  struct Sample {
    at::Tensor original, decoded;
  };
  Sample sample(std::int64_t index);
  std::int64_t num_samples() const { return options_.held_out_clips; }

 private:
  WanVae averaged_vae() const;
  WanVaeConfig config_with_statistics();
  at::Tensor held_out_clip(std::int64_t index);

  VaeTrainerOptions options_;
  WanVaeConfig given_config_, config_;
  NamedTensors frozen_;  // what is not trained, as given
  Parameters parameters_;
  AdamW optimiser_;
  WanVae vae_;
  WorldClips clips_;
  std::vector<at::Tensor> held_out_;  // bytes, on the device
  at::Tensor sums_;                   // of what `measured` says, float32 on the device
  std::int64_t summed_steps_ = 0;
  double learning_rate_ = 0;
};

/// A VAE's config without statistics of latents: mean 0, deviation 1.
WanVaeConfig with_unit_statistics(WanVaeConfig config);

/// Initial weights of a VAE whose latents begin with little noise (a deviation of some 0.05, not
/// 1), so that the decoder has something to learn from before the encoder has learned to be heard.
NamedTensors quiet_latents(NamedTensors weights);

/// All tensors of a VAE's checkpoint (see Checkpoint::open), float32 on the CPU. Throws Error or
/// FormatError if it cannot be read or does not fit the config.
NamedTensors load_vae_weights(const std::filesystem::path& path, const WanVaeConfig& config);

}  // namespace radial::video
