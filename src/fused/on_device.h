#pragma once

#include "radial/fused/fused_ops.h"

// Checked arguments on their device. Those of the GPU throw Unsupported where the library was built
// without CUDA.

namespace radial::fused {

void norm_rotary_on_cpu(std::span<const NormRotaryArgs> parts, int num_threads);
void layer_norm_on_cpu(const LayerNormArgs& args, int num_threads);
void gated_residual_on_cpu(const GatedResidualArgs& args, int num_threads);

void norm_rotary_on_cuda(std::span<const NormRotaryArgs> parts, Stream stream);
void layer_norm_on_cuda(const LayerNormArgs& args, Stream stream);
void gated_residual_on_cuda(const GatedResidualArgs& args, Stream stream);

}  // namespace radial::fused
