#include "bench/dit_training.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>

#include "bench/dit_run.h"
#include "bench/step_timer.h"
#include "radial/base/error.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {

DitTraining::DitTraining(video::WanConfig config, std::int64_t num_blocks,
                         const VideoLayout& layout, at::Device device, at::ScalarType dtype,
                         std::uint64_t seed, const TrainingOptions& options)
    : device_(device), model_(random_transformer(config, num_blocks, device, dtype, seed)) {
  parameters_ = model_.add_adapters(options.rank);
  model_.recompute_every(options.recompute_every);
  video_ = model_.prepare_video(layout, device);
  text_ = at::randn({1, config.text_len, config.text_dim}, device);
  const auto [pt, ph, pw] = config.patch_size;
  latents_ = at::randn(
      {1, config.in_channels, layout.frames * pt, layout.grid_h * ph, layout.grid_w * pw}, device);
  target_ = at::randn_like(latents_);
  timestep_ = at::full({1}, 500, at::TensorOptions(device).dtype(at::kFloat));
}

TrainingTimes DitTraining::step(const video::AttentionFunction& attention) {
  video::reset_peak_device_memory(device_);
  const TimeMark begin(device_);
  // Made here: its keys and values are adapted, too.
  const video::WanTransformer::Text text = model_.prepare_text(text_);
  const at::Tensor loss =
      (model_.forward(latents_, timestep_, text, video_, {attention, {}}) - target_)
          .square()
          .mean();
  const TimeMark middle(device_);
  loss.backward();
  const TimeMark end(device_);
  end.wait();
  for (at::Tensor& parameter : parameters_) {
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined() || !gradient.isfinite().all().item<bool>()) {
      throw Error("bench dit: a gradient is missing or not finite");
    }
    parameter.mutable_grad().reset();
  }
  return {.forward = middle.ms_since(begin),
          .backward = end.ms_since(middle),
          .peak_bytes = video::peak_device_memory(device_)};
}

}  // namespace radial::tools
