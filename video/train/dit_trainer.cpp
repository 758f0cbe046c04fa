#include "video/train/dit_trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>

#include <set>
#include <string>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr const char* kTransformer = "transformer.";
constexpr const char* kTextEncoder = "text_encoder.";
constexpr const char* kSteps = "steps";

NamedTensors both(const NamedTensors& transformer, const NamedTensors& text_encoder) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : transformer) tensors.emplace(kTransformer + name, tensor);
  for (const auto& [name, tensor] : text_encoder) tensors.emplace(kTextEncoder + name, tensor);
  return tensors;
}

NamedTensors part(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors found;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
  }
  return found;
}

// What the transformer computes in float32, whatever its weights are. Names that `weights` lacks
// are left to the loading, which lists them.
std::set<std::string> float32_names(const WanConfig& config, const NamedTensors& weights) {
  ShapeSource source(at::kBFloat16);
  const WanTransformer model(config, source);
  std::set<std::string> names;
  for (const auto& [name, dtype] : source.dtypes()) {
    if (dtype == at::kFloat && weights.contains(name)) names.insert(kTransformer + name);
  }
  return names;
}

WanTransformer make_transformer(const WanConfig& config, const Parameters& parameters) {
  TableSource source = parameters.source(kTransformer);
  WanTransformer model(config, source);
  source.finish();
  return model;
}

Umt5Encoder make_text_encoder(const Umt5Config& config, const Parameters& parameters) {
  TableSource source = parameters.source(kTextEncoder);
  return Umt5Encoder(config, source);
}

const DitTrainerOptions& checked(const DitTrainerOptions& options, const WanConfig& transformer,
                                 const Umt5Config& text) {
  options.learning_rate.check();
  options.sigmas.check();
  RADIAL_REQUIRE(options.caption_dropout >= 0 && options.caption_dropout <= 1,
                 "caption_dropout: expected a number in [0, 1], got ", options.caption_dropout);
  RADIAL_REQUIRE(text.d_model == transformer.text_dim, "text encoder: expected width ",
                 transformer.text_dim, ", got ", text.d_model);
  return options;
}

void check_caption(const std::vector<std::int64_t>& caption, std::int64_t text_len,
                   std::int64_t vocab_size, const char* name) {
  RADIAL_REQUIRE(!caption.empty() && static_cast<std::int64_t>(caption.size()) <= text_len, name,
                 ": expected 1 to ", text_len, " tokens, got ", caption.size());
  for (const std::int64_t token : caption) {
    RADIAL_REQUIRE(token >= 0 && token < vocab_size, name, ": expected tokens below ", vocab_size,
                   ", got ", token);
  }
}

}  // namespace

DitTrainer::DitTrainer(const WanConfig& transformer_config, const Umt5Config& text_config,
                       const NamedTensors& transformer, const NamedTensors& text_encoder,
                       const DitTrainerOptions& options)
    : options_(checked(options, transformer_config, text_config)),
      parameters_(both(transformer, text_encoder), float32_names(transformer_config, transformer),
                  options.placement),
      optimiser_(parameters_, options.optimiser),
      transformer_(make_transformer(transformer_config, parameters_)),
      text_encoder_(make_text_encoder(text_config, parameters_)) {
  check_caption(options.empty_caption, transformer_config.text_len, text_config.vocab_size,
                "empty_caption");
}

void DitTrainer::check(const DitBatch& batch) const {
  transformer_.layout_of(batch.latents, options_.token_order);
  RADIAL_REQUIRE(static_cast<std::int64_t>(batch.captions.size()) == batch.latents.size(0),
                 "captions: expected ", batch.latents.size(0), ", got ", batch.captions.size());
  for (const std::vector<std::int64_t>& caption : batch.captions) {
    check_caption(caption, transformer_.config().text_len, text_encoder_.config().vocab_size,
                  "captions");
  }
}

// The rotations are made on the CPU: once for all steps.
const WanTransformer::Video& DitTrainer::video_of(const at::Tensor& latents) const {
  const VideoLayout layout = transformer_.layout_of(latents, options_.token_order);
  if (!video_ || video_->layout != layout) {
    video_ = transformer_.prepare_video(layout, parameters_.device());
  }
  return *video_;
}

at::Tensor DitTrainer::loss(const DitBatch& batch, const DrawKey& key,
                            const LayerAttention& attention) const {
  check(batch);
  DitBatch shown = batch;
  const std::vector<bool> dropped =
      draw_caption_dropout(options_.caption_dropout, batch.latents.size(0), key);
  for (std::size_t index = 0; index < dropped.size(); ++index) {
    if (dropped[index]) shown.captions[index] = options_.empty_caption;
  }
  return flow_loss(transformer_, text_encoder_, shown, video_of(batch.latents), options_.sigmas,
                   key, attention);
}

DitTrainer::Step DitTrainer::step(const std::vector<DitBatch>& passes,
                                  const LayerAttention& attention,
                                  std::optional<double> maybe_learning_rate) {
  RADIAL_REQUIRE(!passes.empty(), "passes: expected at least one, got none");
  for (const DitBatch& pass : passes) check(pass);
  const double share = 1.0 / static_cast<double>(passes.size());
  DrawKey key{.seed = options_.seed, .step = num_steps_};
  at::Tensor mean;
  for (const DitBatch& pass : passes) {
    const at::Tensor part = loss(pass, key, attention) * share;
    part.backward();
    parameters_.gather_gradients();
    mean = mean.defined() ? mean + part.detach() : part.detach();
    ++key.pass;
  }
  const double rate = maybe_learning_rate.value_or(options_.learning_rate.at(num_steps_));
  ++num_steps_;
  return {.loss = mean, .gradient_norm = optimiser_.step(rate), .learning_rate = rate};
}

NamedTensors DitTrainer::averaged_transformer() const {
  return part(optimiser_.averaged(), kTransformer);
}

NamedTensors DitTrainer::averaged_text_encoder() const {
  return part(optimiser_.averaged(), kTextEncoder);
}

DitModel DitTrainer::averaged() const {
  return make_dit_model(transformer_.config(), averaged_transformer(), text_encoder_.config(),
                        averaged_text_encoder(), options_.placement.compute);
}

NamedTensors DitTrainer::state() const {
  NamedTensors state = optimiser_.state();
  state.emplace(kSteps, at::scalar_tensor(num_steps_, at::kLong));
  return state;
}

void DitTrainer::load_state(const NamedTensors& state) {
  const auto steps = state.find(kSteps);
  if (steps == state.end() || steps->second.numel() != 1) {
    throw FormatError("training state: expected one number named steps");
  }
  optimiser_.load_state(state);
  num_steps_ = steps->second.item<std::int64_t>();
}

}  // namespace radial::video
