#pragma once

#include "attention/cpu/backward_step.h"
#include "attention/cpu/forward_step.h"
#include "attention/cpu/packing.h"

namespace radial::cpu {
namespace {

constexpr Kernels kTable{kPanel,      kPairs,     kDepthStep, Simd::kStepKeys, pack_rows,
                         pack_across, pack_along, store_rows, forward_step,    backward_step};

}  // namespace
}  // namespace radial::cpu
