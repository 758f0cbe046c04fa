#include "video/models/wan/wan_transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <utility>

#include "radial/base/error.h"
#include "video/nn/interruption.h"
#include "video/nn/norm.h"
#include "video/nn/recompute.h"
#include "video/nn/rotary.h"
#include "video/nn/token_ops.h"
#include "video/nn/token_order.h"

namespace radial::video {

WanTransformer::WanTransformer(const WanConfig& config, TensorSource& source,
                               std::int64_t blocks_to_swap)
    : config_(config) {
  if (config.image_dim || config.added_kv_proj_dim) {
    throw Unsupported("model: expected a text-to-video transformer, got one with an image branch");
  }
  const std::int64_t dim = config.dim();
  const auto [pt, ph, pw] = config.patch_size;
  const TensorScope root(source);
  patch_weight_ =
      root.tensor("patch_embedding.weight", {dim, config.in_channels, pt, ph, pw}).flatten(1);
  patch_bias_ = root.tensor("patch_embedding.bias", {dim});
  const TensorScope condition = root / "condition_embedder";
  time_in_ = Linear::load(condition, "time_embedder.linear_1", dim, config.freq_dim, at::kFloat);
  time_out_ = Linear::load(condition, "time_embedder.linear_2", dim, dim, at::kFloat);
  time_projection_ = Linear::load(condition, "time_proj", 6 * dim, dim, at::kFloat);
  text_in_ = Linear::load(condition, "text_embedder.linear_1", dim, config.text_dim);
  text_out_ = Linear::load(condition, "text_embedder.linear_2", dim, dim);
  blocks_ = WanBlocks(config, root / "blocks", blocks_to_swap);
  head_modulation_ = root.tensor("scale_shift_table", {1, 2, dim}, at::kFloat);
  head_out_ = Linear::load(root, "proj_out", config.out_channels * pt * ph * pw, dim, at::kFloat);
}

std::vector<at::Tensor> WanTransformer::add_adapters(std::int64_t rank) {
  std::vector<at::Tensor> parameters;
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    blocks_.on_device(i).add_adapters(rank, parameters);
  return parameters;
}

WanTransformer::Text WanTransformer::prepare_text(const at::Tensor& embeddings) const {
  RADIAL_REQUIRE(embeddings.dim() == 3 && embeddings.size(2) == config_.text_dim,
                 "text embeddings: expected [B, L, ", config_.text_dim, "], got ",
                 embeddings.sizes());
  const at::Tensor input = embeddings.to(text_in_.weight.device(), text_in_.weight.scalar_type());
  const at::Tensor projected = text_out_(at::gelu(text_in_(input), "tanh"));
  Text text;
  blocks_.for_each([&](const WanBlock& block, std::size_t) {
    text.blocks.push_back(block.text_keys_values(projected));
  });
  return text;
}

VideoLayout WanTransformer::layout_of(const at::Tensor& latents, TokenOrder order) const {
  RADIAL_REQUIRE(latents.dim() == 5 && latents.size(1) == config_.in_channels,
                 "latents: expected [B, ", config_.in_channels, ", F, H, W], got ",
                 latents.sizes());
  const auto [pt, ph, pw] = config_.patch_size;
  RADIAL_REQUIRE(
      latents.size(2) % pt == 0 && latents.size(3) % ph == 0 && latents.size(4) % pw == 0,
      "latents: expected frames, rows and columns in multiples of ", pt, ", ", ph, ", ", pw,
      ", got ", latents.sizes());
  VideoLayout layout;
  layout.frames = static_cast<std::int32_t>(latents.size(2) / pt);
  layout.grid_h = static_cast<std::int32_t>(latents.size(3) / ph);
  layout.grid_w = static_cast<std::int32_t>(latents.size(4) / pw);
  layout.order = order;
  layout.check();
  return layout;
}

WanTransformer::Video WanTransformer::prepare_video(const VideoLayout& layout,
                                                    at::Device device) const {
  RADIAL_REQUIRE(layout.total_tokens() == layout.video_tokens(),
                 "layout: expected video tokens alone, got ", layout.to_string());
  for (const std::int32_t extent : {layout.frames, layout.grid_h, layout.grid_w}) {
    RADIAL_REQUIRE(extent <= config_.rope_max_seq_len, "layout: expected at most ",
                   config_.rope_max_seq_len, " positions an axis, got ", layout.to_string());
  }
  return {layout, rotary_table(layout, RotaryAxes::wan(config_.attention_head_dim), device),
          TokenPlaces(layout, device)};
}

// [B, C, F, H, W] -> [B, S, E]: the strided convolution of the reference, as a product.
at::Tensor WanTransformer::patch_tokens(const at::Tensor& latents) const {
  const auto [pt, ph, pw] = config_.patch_size;
  const at::Tensor patches = latents.to(patch_weight_.scalar_type())
                                 .unflatten(4, {-1, pw})
                                 .unflatten(3, {-1, ph})
                                 .unflatten(2, {-1, pt})  // [B, C, f, pt, h, ph, w, pw]
                                 .permute({0, 2, 4, 6, 1, 3, 5, 7})
                                 .flatten(4)
                                 .flatten(1, 3);
  return at::linear(patches, patch_weight_, patch_bias_);
}

// [B, S, (pt ph pw C)] -> [B, C, F, H, W].
at::Tensor WanTransformer::unpatched(const at::Tensor& tokens, const VideoLayout& layout) const {
  const auto [pt, ph, pw] = config_.patch_size;
  return tokens.unflatten(2, {pt, ph, pw, config_.out_channels})
      .unflatten(1, {layout.frames, layout.grid_h, layout.grid_w})  // [B, f, h, w, pt, ph, pw, C]
      .permute({0, 7, 1, 4, 2, 5, 3, 6})
      .flatten(6)
      .flatten(4, 5)
      .flatten(2, 3);
}

at::Tensor WanTransformer::head(const at::Tensor& tokens, const at::Tensor& time) const {
  const std::vector<at::Tensor> m = (head_modulation_ + time.unsqueeze(1)).chunk(2, 1);
  return head_out_(modulated_layer_norm(tokens, m[0], m[1], config_.eps, at::kFloat));
}

// [B, S, E] -> [B, S, E].
at::Tensor WanTransformer::recomputed_blocks(const at::Tensor& hidden, const at::Tensor& modulation,
                                             const Text& text, const Video& video,
                                             const LayerAttention& attention) const {
  const auto block = [this, &text, &video, attention](std::size_t layer) -> TensorFunction {
    return [=, this, &text, &video](const std::vector<at::Tensor>& in) -> std::vector<at::Tensor> {
      stop_if_requested();
      const PendingResidual stream{.stream = in[0], .branch = {}, .gate = {}};
      return {settled(blocks_.on_device(layer).forward(stream, in[1], text.blocks[layer],
                                                       video.rotary, attention, layer))};
    };
  };
  const auto step = static_cast<std::size_t>(recompute_every_);
  at::Tensor stream = hidden;
  for (std::size_t first = 0; first < blocks_.size(); first += step) {
    const std::size_t end = std::min(first + step, blocks_.size());
    const TensorFunction several = [=](const std::vector<at::Tensor>& in) {
      std::vector<at::Tensor> state = in;
      for (std::size_t i = first; i < end; ++i) state[0] = recomputed(block(i), state)[0];
      return std::vector<at::Tensor>{state[0]};
    };
    stream = recomputed(step == 1 ? block(first) : several, {stream, modulation})[0];
  }
  return stream;
}

at::Tensor WanTransformer::forward(const at::Tensor& latents, const at::Tensor& timestep,
                                   const Text& text, const Video& video,
                                   const LayerAttention& attention, const Tap& tap) const {
  const VideoLayout& layout = video.layout;
  RADIAL_REQUIRE(layout_of(latents, layout.order) == layout, "latents: expected ",
                 layout.to_string(), ", got ", latents.sizes());
  RADIAL_REQUIRE(timestep.dim() == 1 && timestep.size(0) == latents.size(0), "timestep: expected [",
                 latents.size(0), "], got ", timestep.sizes());
  const auto show = [&](const std::string& name, const at::Tensor& tokens) {
    tap(name, reordered(tokens, video.places.to_raster, 1));
  };
  PendingResidual hidden{.stream = patch_tokens(latents), .branch = {}, .gate = {}};
  if (tap) tap("patch", hidden.stream);
  hidden.stream = reordered(hidden.stream.to(at::kFloat), video.places.to_layout, 1);

  const at::Tensor time =
      time_out_(at::silu(time_in_(timestep_sinusoid(timestep, config_.freq_dim))));
  const at::Tensor modulation = time_projection_(at::silu(time)).unflatten(1, {6, config_.dim()});
  if (tap) tap("time", time);
  if (tap) tap("time_projection", modulation);
  const auto run_block = [&](const WanBlock& block, std::size_t layer) {
    stop_if_requested();
    hidden = block.forward(std::move(hidden), modulation, text.blocks[layer], video.rotary,
                           attention, layer);
    if (tap) show("block." + std::to_string(layer), settled(hidden));
  };
  if (recompute_every_ > 0 && at::GradMode::is_enabled()) {
    hidden.stream = recomputed_blocks(hidden.stream, modulation, text, video, attention);
  } else {
    blocks_.for_each(run_block);
  }
  const at::Tensor output = reordered(head(settled(hidden), time), video.places.to_raster, 1);
  if (tap) tap("head", output);
  return unpatched(output, layout);
}

}  // namespace radial::video
