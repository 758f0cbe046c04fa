#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "radial/mask/video_layout.h"
#include "video/checkpoint/model_config.h"
#include "video/checkpoint/tensor_source.h"
#include "video/models/wan/wan_blocks.h"
#include "video/nn/attention.h"
#include "video/nn/linear.h"
#include "video/nn/token_order.h"

namespace radial::video {

/// The Wan 2.1 diffusion transformer. Weights come in the source's dtype; the time embedding, the
/// modulation, norms and head stay float32, as in the model's own code.
///
/// Shape letters: B batch, C channels, F latent frames, H and W latent rows and columns, L text
/// tokens, E width, S video tokens.
class WanTransformer {
 public:
  /// Takes all weights out of `source`; what is missing or misshapen comes out of its `finish()`.
  /// The weights of `blocks_to_swap` blocks are kept in host memory, copied to the device as they
  /// are needed, ahead of it; results are the same bits (see WanBlocks). Throws Unsupported for a
  /// config with an image branch, InvalidArgument unless a block stays on the device.
  WanTransformer(const WanConfig& config, TensorSource& source, std::int64_t blocks_to_swap = 0);

  const WanConfig& config() const { return config_; }
  at::Device device() const { return patch_weight_.device(); }
  bool all_on_device() const { return blocks_.all_on_device(); }

  /// Gives the attentions' projections of all blocks a low-rank change that can be trained while
  /// the other weights stay; gives the new tensors, which want gradients. Throws Unsupported where
  /// blocks lie in host memory.
  std::vector<at::Tensor> add_adapters(std::int64_t rank);

  /// Where gradients are recorded, passes keep only what every `blocks`-th block begins with and
  /// compute the rest again in the backward pass, above 1 twice; 0: they keep everything. Text and
  /// video given to forward() must then live until the backward pass is over.
  void recompute_every(std::int64_t blocks) { recompute_every_ = blocks; }

  /// What depends on the text alone, made once per prompt.
  struct Text {
    std::vector<TextKeysValues> blocks;
  };
  /// `embeddings` [B, L, text_dim], zero beyond the prompt.
  Text prepare_text(const at::Tensor& embeddings) const;

  /// What depends on the size of the video and the token order alone, made once per run.
  struct Video {
    VideoLayout layout;
    at::Tensor rotary;  // complex [S, D / 2]
    TokenPlaces places;
  };
  /// Throws InvalidArgument if the layout has other tokens than the video's or goes beyond the
  /// positions the model knows.
  Video prepare_video(const VideoLayout& layout, at::Device device) const;
  /// The layout of latents [B, C, F, H, W]. Throws InvalidArgument unless they divide into patches.
  VideoLayout layout_of(const at::Tensor& latents, TokenOrder order = {}) const;

  /// Sees intermediate states: "patch", "time", "time_projection", "block.N", "head". Token states
  /// are given in raster order.
  using Tap = std::function<void(const std::string& name, const at::Tensor& state)>;

  /// The predicted flow [B, C_out, F, H, W] float32 of `latents` [B, C, F, H, W] at `timestep` [B],
  /// in [0, 1000].
  at::Tensor forward(const at::Tensor& latents, const at::Tensor& timestep, const Text& text,
                     const Video& video, const LayerAttention& attention = {},
                     const Tap& tap = {}) const;

 private:
  at::Tensor patch_tokens(const at::Tensor& latents) const;
  at::Tensor unpatched(const at::Tensor& tokens, const VideoLayout& layout) const;
  at::Tensor recomputed_blocks(const at::Tensor& hidden, const at::Tensor& modulation,
                               const Text& text, const Video& video,
                               const LayerAttention& attention) const;
  at::Tensor head(const at::Tensor& tokens, const at::Tensor& time) const;

  WanConfig config_;
  at::Tensor patch_weight_, patch_bias_;  // [E, C * pt * ph * pw], [E]
  Linear time_in_, time_out_, time_projection_;
  Linear text_in_, text_out_;
  WanBlocks blocks_;
  at::Tensor head_modulation_;  // [1, 2, E]
  Linear head_out_;
  std::int64_t recompute_every_ = 0;
};

}  // namespace radial::video
