#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "video/text/tokenizer.h"
#include "video/train/clip_source.h"
#include "video/train/dit_trainer.h"
#include "video/train/draw_samples.h"
#include "video/train/model_folder.h"
#include "video/train/training_run.h"

namespace radial::video {

struct DitTrainingOptions {
  DitTrainerOptions trainer;  ///< its empty caption is replaced by the tokenizer's
  std::int64_t batch_size = 32;
  std::int64_t passes = 1;  ///< batches whose gradients are averaged in a step
  ClipSize size;
  RollingClips::Options clips;
  std::filesystem::path clips_folder;  ///< of encoded clips; empty: they are drawn
  std::int64_t eval_clips = 32;        ///< held-out clips of the evaluation
  std::int64_t held_out_samples = 4, trained_samples = 2;  ///< prompts that samples are drawn of
  SampleOptions samples;
  std::int64_t max_shard_bytes = 0;  ///< see ModelFolderOptions

  /// Throws InvalidArgument for what is out of range.
  void check() const;
};

/// Trains a transformer and its text encoder on clips of the synthetic world.
class DitTraining : public Trainer {
 public:
  /// `model` holds the weights to begin with (float32), the VAE and the tokenizer. Throws
  /// InvalidArgument for options or sizes out of range, FormatError for weights that do not fit.
  DitTraining(WanModel model, const DitTrainingOptions& options);

  void step(const TrainingMoment& moment) override;
  /// Means since the last call: "loss", "gradient_norm"; "learning_rate" of the last step; "clips",
  /// how many have been in the store.
  LogValues measured() override;
  /// "eval_loss": of the averaged weights on held-out scenes, with noise that is always the same.
  LogValues evaluated() override;
  std::int64_t clips_per_step() const override { return options_.batch_size * options_.passes; }

  NamedTensors state() const override { return trainer_->state(); }
  void load_state(const NamedTensors& tensors) override { trainer_->load_state(tensors); }
  /// The whole model with averaged weights as `folder`/model, which is complete at any time.
  void write_results(const std::filesystem::path& folder) override;

  /// What the averaged weights make of a few prompts, held-out ones first.
  struct Samples {
    std::vector<std::string> prompts;
    std::vector<at::Tensor> clips;  ///< bytes [3, F, height, width] on the CPU
  };
  Samples samples() const;

  /// What goes wrong without stopping the training; empty if nothing does.
  std::string trouble() const { return clips_->trouble(); }

 private:
  CaptionTokens tokens_of(const std::string& text) const;
  DitBatch batch_of(LatentClips clips, const DrawKey& key) const;
  void draw_eval();

  DitTrainingOptions options_;
  WanModel model_;  // what is trained is in trainer_
  Tokenizer tokenizer_;
  std::unique_ptr<WanVae> vae_;
  std::unique_ptr<ClipEncoder> encoder_;
  std::unique_ptr<ClipSource> clips_;
  std::unique_ptr<DitTrainer> trainer_;
  std::vector<DitBatch> eval_;  // drawn when first needed
  at::Tensor loss_sum_, norm_sum_;
  std::int64_t summed_ = 0;
  double learning_rate_ = 0;
};

}  // namespace radial::video
