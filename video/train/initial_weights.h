#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "video/checkpoint/model_config.h"

namespace radial::video {

/// A model's tensors by their canonical names (see tensor_source.h).
using NamedTensors = std::map<std::string, at::Tensor>;

/// Weights to begin a training with, float32 on the CPU, under the names that the model asks for.
/// Each tensor is drawn by a torch CPU generator of its own, seeded by `seed` and its name: a seed
/// means the same weights everywhere, and a layer more or less changes no other tensor.
///
/// The rules are those of the models' own code:
/// - transformer (Wan-Video/Wan2.1, wan/modules/model.py): Xavier uniform for linear layers and the
///   flattened patch kernel, normal(0, 0.02) for the text and time embeddings, zero for the head's
///   projection and biases, normal(0, 1) / sqrt(E) for modulation, one for norms;
/// - text encoder (transformers, modeling_umt5.py): normal with the deviations of T5, one for
/// norms;
/// - VAE (Wan-Video/Wan2.1, wan/modules/vae.py): torch's default for convolutions, uniform within
///   1 / sqrt(fan-in); zero for the attention's projection; one for norms.
NamedTensors initial_weights(const WanConfig& config, std::uint64_t seed);
NamedTensors initial_weights(const Umt5Config& config, std::uint64_t seed);
NamedTensors initial_weights(const WanVaeConfig& config, std::uint64_t seed);

}  // namespace radial::video
