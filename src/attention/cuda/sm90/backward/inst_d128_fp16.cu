#include "attention/cuda/sm90/backward/run_backward.cuh"

namespace radial::sm90 {

template void run_backward<BackwardConfig<__half, 128>>(const BackwardLaunch&);

}  // namespace radial::sm90
