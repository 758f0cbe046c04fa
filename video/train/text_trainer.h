#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "video/text/tokenizer.h"
#include "video/text/umt5_encoder.h"
#include "video/train/adamw.h"
#include "video/train/flow_loss.h"
#include "video/train/learning_rate.h"
#include "video/train/training_run.h"

namespace radial::video {

struct TextTrainerOptions {
  Parameters::Options placement;
  AdamWOptions optimiser;
  LearningRate learning_rate;
  std::int64_t batch_size = 256;   ///< captions
  std::int64_t text_len = 64;      ///< tokens at most
  std::int64_t eval_prompts = 64;  ///< held-out prompts of the evaluation
  std::uint64_t seed = 0;          ///< of the world

  /// Throws InvalidArgument for what is out of range.
  void check() const;
};

/// Teaches a text encoder what captions of the synthetic world say, before a transformer is trained
/// on it: from the embedding of every token of a caption, one linear layer has to tell all facts of
/// the caption (caption_targets), by the binary cross entropy. A transformer then need not find out
/// word by word, through its own errors, what in a caption matters.
class TextTrainer : public Trainer {
 public:
  /// Begins at `weights` (float32, canonical names). Throws InvalidArgument for options out of
  /// range or a tokenizer with more tokens than the encoder, FormatError for weights that do not
  /// fit.
  TextTrainer(const Umt5Config& config, const NamedTensors& weights,
              const std::filesystem::path& tokenizer, const TextTrainerOptions& options);

  void step(const TrainingMoment& moment) override;
  /// Means since the last call: "loss", "gradient_norm"; "learning_rate" of the last step.
  LogValues measured() override;
  /// Of the averaged weights on held-out prompts: "eval_loss"; "facts_right", the share of all
  /// facts that the mean over a prompt's tokens tells; "prompts_right", of prompts with all facts
  /// right.
  LogValues evaluated() override;
  std::int64_t clips_per_step() const override { return options_.batch_size; }

  NamedTensors state() const override { return optimiser_.state(); }
  void load_state(const NamedTensors& tensors) override { optimiser_.load_state(tensors); }
  /// The averaged encoder as `folder`/text_encoder, as transformers names things.
  void write_results(const std::filesystem::path& folder) override;

 private:
  struct Batch {
    std::vector<CaptionTokens> captions;
    at::Tensor targets;  // [B, facts] float32 on the device
  };

  void add(Batch& batch, const std::string& text, std::vector<float>& targets) const;
  Batch finished(Batch batch, const std::vector<float>& targets) const;
  Batch drawn(std::int64_t step) const;
  Batch held_out() const;
  /// Logits [B, L, facts] of every token, and which tokens there are, [B, L, 1].
  struct Told {
    at::Tensor logits, present;
  };
  Told tell(const Umt5Encoder& encoder, const at::Tensor& weight, const at::Tensor& bias,
            const Batch& batch) const;
  static at::Tensor loss_of(const Told& told, const at::Tensor& targets);

  TextTrainerOptions options_;
  Tokenizer tokenizer_;
  Parameters parameters_;
  AdamW optimiser_;
  Umt5Encoder encoder_;
  at::Tensor loss_sum_, norm_sum_;
  std::int64_t summed_ = 0;
  double learning_rate_ = 0;
};

}  // namespace radial::video
