#include "video/train/flow_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

#include "video/checkpoint/memory_source.h"
#include "video/nn/transfer.h"

namespace radial::video {
namespace {

TableSource rounded(const NamedTensors& weights, at::ScalarType dtype) {
  NamedTensors copies;
  for (const auto& [name, tensor] : weights) {
    copies.emplace(name, tensor.detach().to(dtype, /*non_blocking=*/false, /*copy=*/true));
  }
  return TableSource(std::move(copies));
}

}  // namespace

DitModel make_dit_model(const WanConfig& transformer_config, const NamedTensors& transformer,
                        const Umt5Config& text_config, const NamedTensors& text_encoder,
                        at::ScalarType dtype) {
  TableSource transformer_source = rounded(transformer, dtype);
  TableSource text_source = rounded(text_encoder, dtype);
  DitModel model{WanTransformer(transformer_config, transformer_source),
                 Umt5Encoder(text_config, text_source)};
  transformer_source.finish();
  return model;
}

at::Tensor caption_embeddings(const Umt5Encoder& encoder,
                              const std::vector<CaptionTokens>& captions, std::int64_t text_len,
                              at::Device device) {
  std::vector<std::int64_t> lengths;
  for (const CaptionTokens& caption : captions) {
    lengths.push_back(static_cast<std::int64_t>(caption.size()));
  }
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const auto rows = static_cast<std::int64_t>(captions.size());
  at::Tensor ids = at::zeros({rows, longest}, at::kLong);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::ranges::copy(captions[static_cast<std::size_t>(row)],
                      ids.mutable_data_ptr<std::int64_t>() + row * longest);
  }
  const at::Tensor encoded = encoder.forward(sent_to(ids, device), lengths);
  return at::constant_pad_nd(encoded, {0, 0, 0, text_len - longest});
}

at::Tensor flow_loss(const WanTransformer& transformer, const Umt5Encoder& text_encoder,
                     const DitBatch& batch, const WanTransformer::Video& video,
                     const SigmaLaw& sigmas, const DrawKey& key, const LayerAttention& attention) {
  const at::Device device = transformer.device();
  const at::Tensor latents = batch.latents.to(device);
  const FlowSample sample = flow_sample(latents, draw_noise(latents.sizes(), key, device),
                                        draw_sigmas(sigmas, latents.size(0), key));
  const at::Tensor embeddings =
      caption_embeddings(text_encoder, batch.captions, transformer.config().text_len, device);
  const at::Tensor flow = transformer.forward(
      sample.noisy, sample.timestep, transformer.prepare_text(embeddings), video, attention);
  return (flow - sample.target).square().mean();
}

}  // namespace radial::video
