#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "radial/mask/video_layout.h"
#include "video/checkpoint/model_config.h"
#include "video/models/wan/wan_transformer.h"
#include "video/nn/attention.h"
#include "video/text/umt5_encoder.h"
#include "video/train/adamw.h"
#include "video/train/flow_loss.h"
#include "video/train/flow_matching.h"
#include "video/train/learning_rate.h"
#include "video/train/parameters.h"

namespace radial::video {

struct DitTrainerOptions {
  Parameters::Options placement;
  AdamWOptions optimiser;
  LearningRate learning_rate;
  SigmaLaw sigmas;
  double caption_dropout = 0.1;
  /// Token numbers of the empty prompt, which a dropped caption becomes.
  std::vector<std::int64_t> empty_caption{1};
  std::uint64_t seed = 0;
  TokenOrder token_order = {};  ///< that of the plans used; see WanTransformer::layout_of
};

/// Trains a diffusion transformer together with its text encoder by flow matching.
class DitTrainer {
 public:
  /// Begins at the given weights (float32, canonical names). Throws InvalidArgument for options out
  /// of range or a text encoder of another width than the transformer expects, FormatError for
  /// weights that do not fit the configs.
  DitTrainer(const WanConfig& transformer_config, const Umt5Config& text_config,
             const NamedTensors& transformer, const NamedTensors& text_encoder,
             const DitTrainerOptions& options);

  /// Scalars on the device, so that nothing waits for it; the rate is known here.
  struct Step {
    at::Tensor loss;           ///< mean over the passes
    at::Tensor gradient_norm;  ///< before clipping; if not finite, the update was left out
    double learning_rate;
  };
  /// One update by the mean gradient of one or more passes, whose activations are held one at a
  /// time. The learning rate is that of the options at this step unless given. Throws
  /// InvalidArgument, before anything is computed, without passes or for captions that do not fit
  /// (see `loss`).
  Step step(const std::vector<DitBatch>& passes, const LayerAttention& attention = {},
            std::optional<double> maybe_learning_rate = std::nullopt);

  /// The mean square error of the predicted flow, a scalar with gradients: what `step` minimises.
  /// Noise, noise levels and dropped captions are those of `key`. Throws InvalidArgument unless
  /// there are as many captions as clips, each of 1 to text_len tokens of the vocabulary.
  at::Tensor loss(const DitBatch& batch, const DrawKey& key,
                  const LayerAttention& attention = {}) const;

  std::int64_t num_steps() const { return num_steps_; }
  /// The averaged weights, float32: views, to be copied before the next step.
  NamedTensors averaged_transformer() const;
  NamedTensors averaged_text_encoder() const;
  /// Models of the averaged weights, rounded to the compute type, as copies.
  DitModel averaged() const;

  /// What a later run needs to go on as if it had not been interrupted: AdamW::state and "steps".
  NamedTensors state() const;
  /// Throws FormatError for the state of another model.
  void load_state(const NamedTensors& state);

 private:
  void check(const DitBatch& batch) const;
  const WanTransformer::Video& video_of(const at::Tensor& latents) const;

  DitTrainerOptions options_;
  Parameters parameters_;
  AdamW optimiser_;
  WanTransformer transformer_;
  Umt5Encoder text_encoder_;
  std::int64_t num_steps_ = 0;
  mutable std::optional<WanTransformer::Video> video_;  // of the last size
};

}  // namespace radial::video
