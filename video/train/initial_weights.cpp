#include "video/train/initial_weights.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <vector>

#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"
#include "video/text/umt5_encoder.h"
#include "video/vae/wan_vae.h"
#include "video/world/counter_random.h"

namespace radial::video {
namespace {

using Shape = std::vector<std::int64_t>;
using Shapes = std::map<std::string, Shape>;

// FNV-1a, 64 bits.
std::uint64_t hashed(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// One tensor to be drawn.
struct Draw {
  const std::string& name;
  const Shape& shape;
  at::Generator generator;

  at::Tensor zeros() const { return at::zeros(shape, at::kFloat); }
  at::Tensor ones() const { return at::ones(shape, at::kFloat); }
  at::Tensor normal(double deviation) const {
    return at::empty(shape, at::kFloat).normal_(0, deviation, generator);
  }
  at::Tensor uniform(double bound) const {
    return at::empty(shape, at::kFloat).uniform_(-bound, bound, generator);
  }
};

double inputs_of(const Shape& weight) {
  double count = 1;
  for (std::size_t axis = 1; axis < weight.size(); ++axis) {
    count *= static_cast<double>(weight[axis]);
  }
  return count;
}

// The weight that the bias `name` belongs to.
const Shape& weight_of_bias(const Shapes& shapes, const std::string& name) {
  constexpr std::string_view kBias = "bias";
  return shapes.at(name.substr(0, name.size() - kBias.size()) + "weight");
}

using Rule = std::function<at::Tensor(const Draw&)>;

NamedTensors drawn(const Shapes& shapes, std::uint64_t seed, const Rule& rule) {
  NamedTensors tensors;
  for (const auto& [name, shape] : shapes) {
    const std::uint64_t own_seed = CounterRandom::mixed(seed ^ hashed(name));
    tensors[name] = rule({name, shape, at::detail::createCPUGenerator(own_seed)});
  }
  return tensors;
}

at::Tensor transformer_tensor(const Draw& draw, const Shapes& shapes, const WanConfig& config) {
  const std::string_view name = draw.name;
  if (name.ends_with("scale_shift_table")) {
    return draw.normal(1 / std::sqrt(static_cast<double>(config.dim())));
  }
  if (name == "patch_embedding.bias") {  // a convolution's, which the official code leaves alone
    return draw.uniform(1 / std::sqrt(inputs_of(weight_of_bias(shapes, draw.name))));
  }
  if (name.ends_with(".bias") || name == "proj_out.weight") return draw.zeros();
  if (draw.shape.size() == 1) return draw.ones();
  if (contains(name, "text_embedder.") || contains(name, "time_embedder.")) {
    // The official 0.02 suits its widths of 1,536 and more. At a narrow one it makes prompts so
    // faint beside the video that it takes thousands of steps until they are seen.
    return draw.normal(std::max(0.02, 1 / std::sqrt(inputs_of(draw.shape))));
  }
  const double outputs = static_cast<double>(draw.shape[0]);
  return draw.uniform(std::sqrt(6 / (inputs_of(draw.shape) + outputs)));
}

at::Tensor text_tensor(const Draw& draw, const Umt5Config& config) {
  const std::string_view name = draw.name;
  const double dim = static_cast<double>(config.d_model);
  const double head = static_cast<double>(config.d_kv);
  if (draw.shape.size() == 1) return draw.ones();
  if (name == "shared.weight") return draw.normal(1);
  if (name.ends_with(".q.weight")) return draw.normal(1 / std::sqrt(dim * head));
  if (name.ends_with(".o.weight")) {
    return draw.normal(1 / std::sqrt(static_cast<double>(config.num_heads) * head));
  }
  if (name.ends_with(".wo.weight")) {
    return draw.normal(1 / std::sqrt(static_cast<double>(config.d_ff)));
  }
  return draw.normal(1 / std::sqrt(dim));  // k, v, wi_0, wi_1 and the relative positions
}

at::Tensor vae_tensor(const Draw& draw, const Shapes& shapes) {
  const std::string_view name = draw.name;
  if (name.ends_with(".gamma")) return draw.ones();
  if (name.ends_with(".proj.weight")) return draw.zeros();
  const bool is_bias = name.ends_with("bias");
  const Shape& weight = is_bias ? weight_of_bias(shapes, draw.name) : draw.shape;
  return draw.uniform(1 / std::sqrt(inputs_of(weight)));
}

}  // namespace

NamedTensors initial_weights(const WanConfig& config, std::uint64_t seed) {
  ShapeSource source(at::kFloat);
  const WanTransformer model(config, source);
  const Shapes& shapes = source.shapes();
  return drawn(shapes, seed,
               [&](const Draw& draw) { return transformer_tensor(draw, shapes, config); });
}

NamedTensors initial_weights(const Umt5Config& config, std::uint64_t seed) {
  ShapeSource source(at::kFloat);
  const Umt5Encoder model(config, source);
  return drawn(source.shapes(), seed, [&](const Draw& draw) { return text_tensor(draw, config); });
}

NamedTensors initial_weights(const WanVaeConfig& config, std::uint64_t seed) {
  ShapeSource source(at::kFloat);
  const WanVae model(config, source);
  const Shapes& shapes = source.shapes();
  return drawn(shapes, seed, [&](const Draw& draw) { return vae_tensor(draw, shapes); });
}

}  // namespace radial::video
