#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "video/checkpoint/checkpoint_source.h"
#include "video/pipeline/denoise.h"
#include "video/pipeline/wan_files.h"
#include "video/text/text_files.h"
#include "video/vae/wan_vae.h"

namespace radial::video {

/// Size of a video in pixels and frames.
struct VideoSize {
  std::int64_t width = 832, height = 480, num_frames = 81;
};

/// Shape of the latents of one video, [1, C, F, H, W]. Throws InvalidArgument, in the words of the
/// command's options, if the size does not divide into the model's patches; the message names the
/// sizes next to it.
std::vector<std::int64_t> latent_shape(const VideoSize& size, const WanConfig& transformer,
                                       const WanVaeConfig& vae);

/// Embeddings of a prompt and, where the guidance needs it, of the negative prompt.
struct PromptEmbeddings {
  at::Tensor prompt, negative;
};

/// Loads the text encoder once, encodes all prompts and lets go of it.
std::vector<PromptEmbeddings> encode_prompts(const TextFiles& files,
                                             const std::vector<std::string>& prompts,
                                             const std::optional<std::string>& maybe_negative,
                                             std::int64_t text_length, const LoadOptions& options);

/// Latents as the transformer works on them -> frames [B, F, 3, H, W] in [0, 1], float32 on the
/// CPU.
at::Tensor decode_frames(const WanVae& vae, const at::Tensor& latents, const VaePass& pass);

}  // namespace radial::video
