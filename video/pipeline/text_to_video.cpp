#include "video/pipeline/text_to_video.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "radial/base/error.h"
#include "video/text/prompt_encoder.h"

namespace radial::video {
namespace {

// Throws unless `value` is `step` k + `rest`, naming the values next to it that are.
void require_step(const char* option, std::int64_t value, std::int64_t step, std::int64_t rest) {
  if (value > 0 && value % step == rest % step) return;
  const std::int64_t below = (value - rest) / step * step + rest;
  const std::string nearest =
      value > 0 && below > 0 ? concat(below, " or ", below + step) : concat(rest ? rest : step);
  const std::string form = rest == 0 ? concat("a multiple of ", step) : concat(step, "k+", rest);
  throw InvalidArgument(
      concat(option, ": expected ", form, ", nearest ", nearest, ", got ", value));
}

}  // namespace

std::vector<std::int64_t> latent_shape(const VideoSize& size, const WanConfig& transformer,
                                       const WanVaeConfig& vae) {
  const std::int64_t spatial = std::int64_t{1} << (vae.dim_mult.size() - 1);
  const std::int64_t temporal = std::int64_t{1} << std::count(vae.temporal_downsample.begin(),
                                                              vae.temporal_downsample.end(), true);
  const auto [pt, ph, pw] = transformer.patch_size;
  require_step("--width", size.width, spatial * pw, 0);
  require_step("--height", size.height, spatial * ph, 0);
  require_step("--num-frames", size.num_frames, temporal * pt, 1);
  return {1, transformer.in_channels, (size.num_frames - 1) / temporal + 1, size.height / spatial,
          size.width / spatial};
}

std::vector<PromptEmbeddings> encode_prompts(const TextFiles& files,
                                             const std::vector<std::string>& prompts,
                                             const std::optional<std::string>& maybe_negative,
                                             std::int64_t text_length, const LoadOptions& options) {
  const Tokenizer tokenizer = Tokenizer::open(files.tokenizer);
  CheckpointSource source(Checkpoint::open(files.encoder), PartKind::kUmt5, options);
  const Umt5Encoder encoder(files.config, source);
  const auto encode = [&](const std::string& text) {
    return encode_prompt(tokenizer, encoder, text, text_length, options.device).embeds;
  };
  at::Tensor negative;
  if (maybe_negative) negative = encode(*maybe_negative);
  std::vector<PromptEmbeddings> encoded;
  for (const std::string& prompt : prompts) encoded.push_back({encode(prompt), negative});
  return encoded;
}

at::Tensor decode_frames(const WanVae& vae, const at::Tensor& latents, const VaePass& pass) {
  // In place: a video in float32 is large next to what the decoder works on.
  const at::Tensor pixels = vae.decode(vae.denormalized(latents), pass).to(at::kCPU, at::kFloat);
  return pixels.div_(2).add_(0.5).clamp_(0, 1).transpose(1, 2).contiguous();
}

}  // namespace radial::video
