#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <vector>

#include "generate/plan.h"
#include "train_base/evaluated_clips.h"
#include "video/models/wan/wan_transformer.h"
#include "video/pipeline/text_to_video.h"
#include "video/vae/wan_vae.h"

namespace radial::tools {

/// A model that is loaded once, transformer and VAE side by side, and makes clips of many prompts,
/// several at once where that is asked for.
class ClipMaker {
 public:
  /// `request` and `plan` of any of the settings: model, sizes, sampling. The text encoder is let
  /// go of when all of `prompts` are encoded.
  ClipMaker(const GenerateRequest& request, const GeneratePlan& plan,
            const std::vector<std::string>& prompts);

  /// Final latents [B, C, F, H, W], float32 on the CPU, of the prompts `indexes` as `clips` wants
  /// them: one at a time they are those of `radial generate`.
  at::Tensor denoise(const EvaluatedClips& clips, const std::vector<std::size_t>& indexes,
                     const video::StepObserver& observer) const;

  /// Frames [F, 3, height, width] in [0, 1], float32 on the CPU, of latents [1, C, F, H, W].
  at::Tensor frames(const at::Tensor& latents) const;

 private:
  video::VaePass vae_pass_;
  std::vector<video::PromptEmbeddings> texts_;
  video::WanTransformer transformer_;
  video::WanVae vae_;
};

/// Throws InvalidArgument if `batch_size` clips at a time cannot fit the device's memory; a line if
/// they come near to it.
std::vector<std::string> check_clip_memory(const GeneratePlan& plan, std::size_t batch_size);

}  // namespace radial::tools
