#include <cuda_fp16.h>

#include "attention/cuda/sm90/forward/run_forward.cuh"

template void radial::sm90::run_forward<__half, 128, 128>(const ForwardKernelParams&, int,
                                                          cudaStream_t);
template void radial::sm90::run_forward<__half, 128, 64>(const ForwardKernelParams&, int,
                                                         cudaStream_t);
