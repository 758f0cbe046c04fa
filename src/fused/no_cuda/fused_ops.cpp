#include "fused/on_device.h"
#include "radial/base/error.h"

namespace radial {
namespace {

[[noreturn]] void refuse() {
  throw Unsupported("cuda: this build of the library has no CUDA kernels (RADIAL_CUDA=OFF)");
}

}  // namespace

bool fused_on_cuda() { return false; }

void fused::norm_rotary_on_cuda(std::span<const NormRotaryArgs>, Stream) { refuse(); }
void fused::layer_norm_on_cuda(const LayerNormArgs&, Stream) { refuse(); }
void fused::gated_residual_on_cuda(const GatedResidualArgs&, Stream) { refuse(); }

}  // namespace radial
