#include "video/pipeline/denoise.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <map>
#include <utility>

#include "radial/attention/implementation.h"
#include "radial/base/error.h"
#include "video/nn/interruption.h"
#include "video/nn/recorded_call.h"

namespace radial::video {
namespace {

// Whether a CPU kernel with vector instructions takes heads of this size.
bool has_fast_kernel(std::int64_t head_dim) {
  const std::vector<ImplementationInfo> all = implementations();
  return head_dim % 16 == 0 && head_dim <= 256 &&
         std::any_of(all.begin(), all.end(), [](const ImplementationInfo& each) {
           return each.available && each.name.starts_with("cpu_");
         });
}

// Dense attention on a CPU: the library's kernels on all blocks take a quarter (bfloat16) to half
// (float32) of the time of torch's.
AttentionFunction dense_attention_of(const WanTransformer& model, const VideoLayout& layout) {
  if (!model.device().is_cpu() || !has_fast_kernel(model.config().attention_head_dim)) {
    return dense_attention;
  }
  PlanCache plans;
  return planned_attention(plans.plan(layout, {.rule = "dense"}));
}

// The flow as guided: away from the negative prompt, towards the prompt.
class GuidedModel {
 public:
  GuidedModel(const WanTransformer& model, const DenoiseInputs& inputs,
              const DenoiseOptions& options, const ResolvedAttention& attention)
      : model_(model),
        options_(options),
        attention_(attention),
        dense_(dense_attention_of(model, attention.layout)),
        recorder_(model.all_on_device() ? options.recorder : nullptr),
        prompt_(model.prepare_text(inputs.prompt)),
        video_(model.prepare_video(attention.layout, model.device())) {
    if (is_guided(options.guidance)) negative_ = model.prepare_text(inputs.negative_prompt);
  }

  at::Tensor flow(const at::Tensor& latents, int step) {
    const at::Tensor time =
        at::full({latents.size(0)}, options_.schedule.timesteps[step], latents.options());
    const at::Tensor wanted = pass(latents, time, prompt_, step);
    if (!negative_) return wanted;
    const at::Tensor unwanted = pass(latents, time, *negative_, step);
    return unwanted + (wanted - unwanted) * options_.guidance;
  }

 private:
  // Steps whose layers attend alike and that have the same text are the same pass.
  using PassKind = std::pair<bool, const WanTransformer::Text*>;

  at::Tensor pass(const at::Tensor& latents, const at::Tensor& time,
                  const WanTransformer::Text& text, int step) {
    const LayerAttention attention = attention_.at_step(step, dense_);
    if (recorder_ == nullptr) return model_.forward(latents, time, text, video_, attention);
    stop_if_requested();
    const PassKind kind{attention_.is_dense(step), &text};
    const auto found = passes_.try_emplace(
        kind,
        [this, attention, &text](const std::vector<at::Tensor>& in) {
          return model_.forward(in[0], in[1], text, video_, attention);
        },
        *recorder_);
    try {
      return found.first->second({latents, time});
    } catch (const Unsupported& error) {
      recorder_ = nullptr;
      passes_.clear();
      if (options_.on_not_recorded) options_.on_not_recorded(error.what());
      return model_.forward(latents, time, text, video_, attention);
    }
  }

  const WanTransformer& model_;
  const DenoiseOptions& options_;
  const ResolvedAttention& attention_;
  AttentionFunction dense_;
  GraphRecorder* recorder_;
  WanTransformer::Text prompt_;
  std::optional<WanTransformer::Text> negative_;
  WanTransformer::Video video_;
  std::map<PassKind, RecordedCall> passes_;
};

}  // namespace

LayerAttention ResolvedAttention::at_step(int step, const AttentionFunction& dense) const {
  if (is_dense(step)) return LayerAttention(dense);
  return LayerAttention(planned_attention(plan), dense_layers, dense);
}

double ResolvedAttention::sparse_share() const {
  if (!plan) return 0;
  const auto sparse = [](const std::vector<bool>& dense) {
    return static_cast<double>(std::count(dense.begin(), dense.end(), false)) / dense.size();
  };
  return sparse(dense_layers) * sparse(dense_steps);
}

ResolvedAttention resolve_attention(const AttentionOptions& options, const VideoLayout& layout,
                                    std::int64_t num_layers, const NoiseSchedule& schedule,
                                    PlanCache& plans) {
  ResolvedAttention resolved{
      .layout = layout,
      .plan = {},
      .dense_layers = options.dense.dense_layers.resolve(static_cast<int>(num_layers)),
      .dense_steps = options.dense.dense_steps.resolve(schedule)};
  const std::vector<bool> last = options.dense.last_dense_steps.resolve(schedule);
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (last[i]) resolved.dense_steps[i] = true;
  }
  resolved.layout.order = options.order;
  if (options.mask) resolved.plan = plans.plan(resolved.layout, *options.mask);
  return resolved;
}

at::Tensor denoise(const WanTransformer& model, const DenoiseInputs& inputs,
                   const DenoiseOptions& options, const ResolvedAttention& attention,
                   const StepObserver& observer) {
  RADIAL_REQUIRE(!is_guided(options.guidance) || inputs.negative_prompt.defined(),
                 "negative prompt: expected its embeddings for guidance ", options.guidance,
                 ", got none");
  GuidedModel guided(model, inputs, options, attention);
  Sampler sampler(options.method, options.schedule);
  at::Tensor latents = inputs.latents.to(model.device(), at::kFloat);
  if (options.resume) {
    latents = options.resume->latents.to(model.device());
    sampler.restore(options.resume->sampler);
  }
  while (!sampler.done()) {
    const int step = sampler.next_step();
    const at::Tensor flow = guided.flow(latents, step);
    at::Tensor clean;
    if (observer) clean = latents - flow * double{options.schedule.sigmas[step]};
    latents = sampler.step(flow, latents);
    if (observer) observer({step + 1, {latents, sampler.state()}, clean});
  }
  return latents;
}

}  // namespace radial::video
