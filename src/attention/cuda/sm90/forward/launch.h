#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "attention/cuda/sm90/forward/params.cuh"
#include "attention/params.h"

namespace radial::sm90 {

/// Queues one forward kernel; instantiated in inst_*.cu.
template <typename Element, int kHeadDim, int kBlock>
void run_forward(const ForwardKernelParams& params, int blocks, cudaStream_t stream);

/// Queues the kernel that makes one of the parts of each tile that `blocks` thread blocks cut.
void run_merge_parts(const ForwardKernelParams& params, DType dtype, int head_dim, int blocks,
                     cudaStream_t stream);

/// Bytes of workspace that `launch_forward` needs: the counter by which tiles are handed out, or
/// the results of parts of tiles.
std::size_t forward_workspace(const AttentionProblem& problem);

/// Output and log-sum-exp of a problem with bf16 or fp16, head dim 64 or 128, blocks of 64 or 128.
void launch_forward(const ForwardParams& params, const RunContext& context);

}  // namespace radial::sm90
