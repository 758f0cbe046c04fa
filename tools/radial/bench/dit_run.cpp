#include "bench/dit_run.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "radial/base/error.h"
#include "video/checkpoint/tensor_source.h"
#include "video/nn/recorded_call.h"

namespace radial::tools {
namespace {

/// Any tensor asked for: weights normal with deviation 1 / sqrt(inputs), so that activations stay
/// about 1; norms 1, biases 0.
class RandomSource : public video::TensorSource {
 public:
  RandomSource(at::Device device, at::ScalarType dtype) : device_(device), dtype_(dtype) {}
  bool has(const std::string&) const override { return true; }

 protected:
  std::optional<std::vector<std::int64_t>> shape_of(const std::string&,
                                                    at::IntArrayRef expected) const override {
    return expected.vec();
  }
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override {
    const at::Tensor tensor =
        at::empty(shape, at::TensorOptions(device_).dtype(dtype.value_or(dtype_)));
    if (shape.size() == 1) return tensor.fill_(name.ends_with("weight") ? 1 : 0);
    const auto inputs = static_cast<double>(tensor.numel() / shape[0]);
    return tensor.normal_(0, 1 / std::sqrt(inputs));
  }
  std::vector<std::string> names() const override { return {}; }
  std::string description() const override { return "random weights"; }

 private:
  at::Device device_;
  at::ScalarType dtype_;
};

}  // namespace

video::WanTransformer random_transformer(video::WanConfig config, std::int64_t num_blocks,
                                         at::Device device, at::ScalarType dtype,
                                         std::uint64_t seed) {
  torch::manual_seed(seed);
  config.num_layers = num_blocks;
  RandomSource source(device, dtype);
  return {config, source};
}

DitRun::DitRun(video::WanConfig config, std::int64_t num_blocks, const VideoLayout& layout,
               at::Device device, at::ScalarType dtype, std::uint64_t seed)
    : device_(device),
      model_(random_transformer(config, num_blocks, device, dtype, seed)),
      text_(model_.prepare_text(at::randn({1, config.text_len, config.text_dim}, device))),
      video_(model_.prepare_video(layout, device)) {
  const auto [pt, ph, pw] = config.patch_size;
  latents_ = at::randn(
      {1, config.in_channels, layout.frames * pt, layout.grid_h * ph, layout.grid_w * pw}, device);
  timestep_ = at::full({1}, 500, at::TensorOptions(device).dtype(at::kFloat));
}

at::Tensor DitRun::predict(const video::LayerAttention& attention) const {
  return model_.forward(latents_, timestep_, text_, video_, attention);
}

StepTimes DitRun::forward(const video::AttentionFunction& attention) const {
  StepTimer timer(device_);
  predict({[&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
             return timer.self_attention([&] { return attention(q, k, v); });
           },
           {}});
  return timer.finish();
}

DitRun::GraphTimes DitRun::time_graph(const video::AttentionFunction& attention, int rounds) const {
  const std::unique_ptr<video::GraphRecorder> recorder = video::cuda_graph_recorder(device_);
  video::RecordedCall recorded(
      [&](const std::vector<at::Tensor>& in) {
        return model_.forward(in[0], in[1], text_, video_, {attention, {}});
      },
      *recorder);
  const std::vector<at::Tensor> in{latents_, timestep_};
  const at::Tensor expected = recorded(in);
  if (!at::equal(recorded(in), expected)) {
    throw Error("bench dit: a pass replayed from a CUDA graph gave other numbers");
  }
  const auto time = [&](const std::function<void()>& pass) {
    const TimeMark begin(device_);
    pass();
    const TimeMark end(device_);
    end.wait();
    return end.ms_since(begin);
  };
  std::vector<double> queued, replayed;
  for (int round = 0; round < rounds; ++round) {
    // In the memory that the graph has, not in as much again.
    queued.push_back(time([&] { recorder->run([&] { predict({attention, {}}); }); }));
    replayed.push_back(time([&] { recorded(in); }));
  }
  const auto median = [](std::vector<double> all) {
    std::ranges::sort(all);
    return all[all.size() / 2];
  };
  return {median(queued), median(replayed)};
}

void DitRun::check_finite(const video::AttentionFunction& attention) const {
  if (!predict({attention, {}}).isfinite().all().item<bool>()) {
    throw Error("bench dit: the transformer gave numbers that are not finite");
  }
}

}  // namespace radial::tools
