#include "train_base/clip_maker.h"

#include <ATen/ops/cat.h>

#include <algorithm>

#include "generate/memory_check.h"
#include "video/pipeline/noise.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {
namespace {

std::vector<video::PromptEmbeddings> encode(const GenerateRequest& request,
                                            const GeneratePlan& plan,
                                            const std::vector<std::string>& prompts) {
  std::optional<std::string> negative;
  if (video::is_guided(request.guidance)) negative = request.negative_prompt;
  auto texts = video::encode_prompts(plan.text_files, prompts, negative, plan.transformer.text_len,
                                     request.engine.text_load());
  video::release_unused_memory(request.engine.load().device);
  return texts;
}

}  // namespace

ClipMaker::ClipMaker(const GenerateRequest& request, const GeneratePlan& plan,
                     const std::vector<std::string>& prompts)
    : vae_pass_(request.vae_pass),
      texts_(encode(request, plan, prompts)),
      transformer_(video::load_transformer(plan.files, request.engine.load(),
                                           request.engine.loras(), plan.blocks_to_swap)),
      vae_(video::load_vae(plan.files, request.engine.load())) {}

at::Tensor ClipMaker::denoise(const EvaluatedClips& clips, const std::vector<std::size_t>& indexes,
                              const video::StepObserver& observer) const {
  const GeneratePlan& plan = clips.plan();
  std::vector<at::Tensor> noise, prompts, negatives;
  for (const std::size_t i : indexes) {
    noise.push_back(video::initial_noise(plan.noise.sizes(), clips.seed(i)));
    prompts.push_back(texts_[i].prompt);
    negatives.push_back(texts_[i].negative);
  }
  const double guidance = clips.request().guidance;
  video::DenoiseInputs inputs{at::cat(noise), at::cat(prompts), {}};
  if (video::is_guided(guidance)) inputs.negative_prompt = at::cat(negatives);
  return video::denoise(transformer_, inputs, {plan.method, plan.schedule, guidance, {}},
                        plan.attention, observer)
      .to(at::kCPU);
}

at::Tensor ClipMaker::frames(const at::Tensor& latents) const {
  const at::Tensor there = latents.to(transformer_.device());
  return video::decode_frames(vae_, there, vae_pass_).squeeze(0);
}

std::vector<std::string> check_clip_memory(const GeneratePlan& plan, std::size_t batch_size) {
  const PartNeed &transformer = plan.needs[1], &vae = plan.needs[2];
  const PartNeed both{.name = "transformer and VAE together",
                      .weights = transformer.weights + vae.weights,
                      .working = std::max(transformer.working * batch_size, vae.working),
                      .device = transformer.device,
                      .help = "a smaller --batch-size or --vae-tiling"};
  return check_memory({both});
}

}  // namespace radial::tools
