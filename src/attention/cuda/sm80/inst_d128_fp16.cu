#include "attention/cuda/sm80/run.cuh"

namespace radial::sm80 {

template void run_forward<Config<__half, 128>>(const ForwardKernelParams&, std::int32_t, Stream);
template void run_backward<Config<__half, 128>>(const BackwardKernelParams&, std::int32_t, Stream);

}  // namespace radial::sm80
