#include "attention/cuda/cuda_implementations.h"

#include "attention/merge.h"
#include "radial/base/error.h"
#include "radial/cuda/device_plan.h"

namespace radial {
namespace {

[[noreturn]] void refuse() {
  throw Unsupported("cuda: this build of the library has no CUDA kernels (RADIAL_CUDA=OFF)");
}

}  // namespace

std::span<const Implementation> cuda_implementations() { return {}; }

void merge_on_cuda(const MergeArgs&, Stream) { refuse(); }

struct DevicePlan::Arrays {};

DevicePlan::DevicePlan(const BlockPlan&, int) { refuse(); }
DevicePlan::~DevicePlan() = default;
int DevicePlan::device_index() const { refuse(); }
std::size_t DevicePlan::bytes() const { refuse(); }

}  // namespace radial
