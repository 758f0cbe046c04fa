#include "bench/bench_device.h"
#include "radial/base/error.h"

namespace radial::tools {

std::unique_ptr<BenchDevice> cuda_bench_device(int) {
  throw Unsupported("--device: this build has no CUDA kernels (RADIAL_CUDA=OFF)");
}

}  // namespace radial::tools
