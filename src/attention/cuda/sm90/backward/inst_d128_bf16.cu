#include "attention/cuda/sm90/backward/run_backward.cuh"

namespace radial::sm90 {

template void run_backward<BackwardConfig<__nv_bfloat16, 128>>(const BackwardLaunch&);

}  // namespace radial::sm90
