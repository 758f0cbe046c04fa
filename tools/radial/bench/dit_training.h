#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "radial/mask/video_layout.h"
#include "video/models/wan/wan_transformer.h"

namespace radial::tools {

/// Milliseconds and memory of one step.
struct TrainingTimes {
  double forward = 0, backward = 0;
  std::optional<std::uint64_t> peak_bytes = {};  ///< of tensors on a GPU
  double total() const { return forward + backward; }
};

struct TrainingOptions {
  std::int64_t rank = 16;
  std::int64_t recompute_every = 1;  ///< WanTransformer::recompute_every
};

/// Steps of a training that adapts a Wan transformer with random weights: only a low-rank change of
/// the attentions' projections is trained, in float32; what a block computes is computed again for
/// its gradients. The optimiser's update is not part of a step.
class DitTraining {
 public:
  DitTraining(video::WanConfig config, std::int64_t num_blocks, const VideoLayout& layout,
              at::Device device, at::ScalarType dtype, std::uint64_t seed,
              const TrainingOptions& options);

  /// One pass and its gradients with that self-attention in every block. Throws Error if a gradient
  /// is missing or not finite.
  TrainingTimes step(const video::AttentionFunction& attention);

 private:
  at::Device device_;
  video::WanTransformer model_;
  std::vector<at::Tensor> parameters_;
  video::WanTransformer::Video video_;
  at::Tensor text_, latents_, timestep_, target_;
};

}  // namespace radial::tools
