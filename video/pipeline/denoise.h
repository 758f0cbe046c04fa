#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "radial/mask/mask_options.h"
#include "radial/mask/video_layout.h"
#include "video/models/plan_cache.h"
#include "video/models/sparsity_schedule.h"
#include "video/models/wan/wan_transformer.h"
#include "video/nn/graph_recorder.h"
#include "video/sampling/noise_schedule.h"
#include "video/sampling/sampler.h"

namespace radial::video {

/// Which attention a run uses, and when it is dense all the same.
struct AttentionOptions {
  std::optional<MaskOptions> mask = {};  ///< nothing: dense throughout
  SparsitySchedule dense = {};
  TokenOrder order = {};
};

/// `AttentionOptions` worked out for one model and one run.
struct ResolvedAttention {
  VideoLayout layout;
  torch_ops::PlanPtr plan;         ///< null: dense throughout
  std::vector<bool> dense_layers;  ///< [layers]
  std::vector<bool> dense_steps;   ///< [N]

  /// Whether all layers of step `step` attend densely.
  bool is_dense(int step) const { return !plan || dense_steps[static_cast<std::size_t>(step)]; }
  /// What the layers of step `step` run on; `dense` where they are dense.
  LayerAttention at_step(int step, const AttentionFunction& dense = dense_attention) const;
  /// Part of all (step, layer) pairs that run on the plan.
  double sparse_share() const;
};

/// Throws InvalidArgument if the rule or the places do not suit the model or the run.
ResolvedAttention resolve_attention(const AttentionOptions& options, const VideoLayout& layout,
                                    std::int64_t num_layers, const NoiseSchedule& schedule,
                                    PlanCache& plans);

/// What a run of the sampler starts from.
struct DenoiseInputs {
  at::Tensor latents;          ///< [B, C, F, H, W] float32: the initial noise
  at::Tensor prompt;           ///< [B, L, text_dim]
  at::Tensor negative_prompt;  ///< likewise; undefined where the guidance needs none
};

/// Where a run of the sampler stands between two steps: all that a later run needs to go on and
/// come to the same result bit for bit.
struct DenoiseState {
  at::Tensor latents;  ///< [B, C, F, H, W] float32
  SamplerState sampler;
};

struct DenoiseOptions {
  SamplingMethod method = SamplingMethod::kUniPc;
  NoiseSchedule schedule;
  double guidance = 5.0;                    ///< two passes a step if above 1
  std::optional<DenoiseState> resume = {};  ///< go on from here, not from the initial noise
  /// Records each kind of pass (dense or not, prompt or negative prompt) the second time it comes
  /// and replays it from then on, with the same results; null: all passes run one by one, as do
  /// those of a model whose blocks lie in host memory. While a pass is replayed it cannot be
  /// interrupted.
  GraphRecorder* recorder = nullptr;
  /// Told why, once, if passes cannot be recorded; the run goes on without.
  std::function<void(const std::string& reason)> on_not_recorded = {};
};

/// What is known after a step. The tensors are not written to later.
struct DenoiseProgress {
  int steps_done;
  DenoiseState state;
  at::Tensor clean;  ///< the clean latents as the model saw them in this step
};

using StepObserver = std::function<void(const DenoiseProgress&)>;

/// Whether a guidance needs the pass with the negative prompt.
inline bool is_guided(double guidance) { return guidance > 1; }

/// The clean latents [B, C, F, H, W] float32 on the model's device.
at::Tensor denoise(const WanTransformer& model, const DenoiseInputs& inputs,
                   const DenoiseOptions& options, const ResolvedAttention& attention,
                   const StepObserver& observer = {});

}  // namespace radial::video
