#include <cuda_bf16.h>

#include "attention/cuda/sm90/forward/run_forward.cuh"

template void radial::sm90::run_forward<__nv_bfloat16, 64, 128>(const ForwardKernelParams&, int,
                                                                cudaStream_t);
template void radial::sm90::run_forward<__nv_bfloat16, 64, 64>(const ForwardKernelParams&, int,
                                                               cudaStream_t);
