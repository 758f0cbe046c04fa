#include "video/train/draw_samples.h"

#include <ATen/core/grad_mode.h>

#include <utility>

#include "video/models/plan_cache.h"
#include "video/pipeline/denoise.h"
#include "video/sampling/noise_schedule.h"
#include "video/train/flow_matching.h"

namespace radial::video {

at::Tensor draw_samples(const DitModel& model, const std::vector<CaptionTokens>& captions,
                        const CaptionTokens& empty_caption, const std::vector<std::int64_t>& shape,
                        const SampleOptions& options) {
  const at::NoGradGuard no_grad;
  const at::Device device = model.transformer.device();
  const WanConfig& config = model.transformer.config();
  std::vector<std::int64_t> batch_shape{static_cast<std::int64_t>(captions.size())};
  batch_shape.insert(batch_shape.end(), shape.begin(), shape.end());
  const std::vector<CaptionTokens> empty(captions.size(), empty_caption);
  const DenoiseInputs inputs{
      .latents = draw_noise(batch_shape, {.seed = options.seed}),
      .prompt = caption_embeddings(model.text_encoder, captions, config.text_len, device),
      .negative_prompt = caption_embeddings(model.text_encoder, empty, config.text_len, device)};
  const DenoiseOptions how{.method = SamplingMethod::kEuler,
                           .schedule = make_noise_schedule({.method = SamplingMethod::kEuler,
                                                            .num_steps = options.num_steps,
                                                            .shift = options.flow_shift}),
                           .guidance = options.guidance};
  PlanCache plans;
  const ResolvedAttention dense = resolve_attention({}, model.transformer.layout_of(inputs.latents),
                                                    config.num_layers, how.schedule, plans);
  return denoise(model.transformer, inputs, how, dense);
}

}  // namespace radial::video
