#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "bench/step_timer.h"
#include "radial/mask/video_layout.h"
#include "video/checkpoint/model_config.h"
#include "video/models/wan/wan_transformer.h"

namespace radial::tools {

/// `num_blocks` blocks of `config` with random weights, those of linear layers in `dtype`; seeds
/// torch's generators.
video::WanTransformer random_transformer(video::WanConfig config, std::int64_t num_blocks,
                                         at::Device device, at::ScalarType dtype,
                                         std::uint64_t seed);

/// A Wan transformer with random weights, made on the device, and random inputs of one video.
class DitRun {
 public:
  /// `num_blocks` blocks of `config`; the weights of linear layers in `dtype`.
  DitRun(video::WanConfig config, std::int64_t num_blocks, const VideoLayout& layout,
         at::Device device, at::ScalarType dtype, std::uint64_t seed);

  /// One forward pass with that self-attention in every block, timed; the text's keys and values
  /// are there.
  StepTimes forward(const video::AttentionFunction& attention) const;

  /// Of passes that nothing measures from within: queued kernel by kernel, and replayed from a CUDA
  /// graph; medians of `rounds` in turn.
  struct GraphTimes {
    double queued = 0, replayed = 0;  ///< milliseconds
  };
  /// Throws Error if a replayed pass does not give the same numbers bit for bit, and Unsupported
  /// where passes cannot be recorded.
  GraphTimes time_graph(const video::AttentionFunction& attention, int rounds) const;

  /// One pass; throws Error if what comes out is not finite.
  void check_finite(const video::AttentionFunction& attention) const;

 private:
  at::Tensor predict(const video::LayerAttention& attention) const;

  at::Device device_;
  video::WanTransformer model_;
  video::WanTransformer::Text text_;
  video::WanTransformer::Video video_;
  at::Tensor latents_, timestep_;
};

}  // namespace radial::tools
