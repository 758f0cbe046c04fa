#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "video/models/wan/wan_transformer.h"
#include "video/nn/attention.h"
#include "video/text/umt5_encoder.h"
#include "video/train/flow_matching.h"
#include "video/train/initial_weights.h"

namespace radial::video {

/// Token numbers of one caption, unpadded.
using CaptionTokens = std::vector<std::int64_t>;

/// Clips of one size with their captions.
struct DitBatch {
  at::Tensor latents;                   ///< [B, C, F, H, W], normalised
  std::vector<CaptionTokens> captions;  ///< B
};

/// A transformer with the text encoder that belongs to it.
struct DitModel {
  WanTransformer transformer;
  Umt5Encoder text_encoder;
};
/// Of weights by canonical names, rounded to `dtype` and put on their own device.
DitModel make_dit_model(const WanConfig& transformer_config, const NamedTensors& transformer,
                        const Umt5Config& text_config, const NamedTensors& text_encoder,
                        at::ScalarType dtype);

/// Embeddings [B, text_len, d_model] on `device`, zero beyond each caption.
at::Tensor caption_embeddings(const Umt5Encoder& encoder,
                              const std::vector<CaptionTokens>& captions, std::int64_t text_len,
                              at::Device device);

/// The mean square error of the predicted flow, a scalar, with the noise and the noise levels of
/// `key`; `video` is that of the size of the latents.
at::Tensor flow_loss(const WanTransformer& transformer, const Umt5Encoder& text_encoder,
                     const DitBatch& batch, const WanTransformer::Video& video,
                     const SigmaLaw& sigmas, const DrawKey& key,
                     const LayerAttention& attention = {});

}  // namespace radial::video
