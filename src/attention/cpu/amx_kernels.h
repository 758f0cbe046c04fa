#pragma once

// Included by the file that has defined `Tiles`.

#include "attention/cpu/simd_avx512_bf16.h"

namespace radial::cpu {
namespace {

struct Simd : SimdAvx512Bf16 {
  static constexpr int kVectors = 1;     // a panel is as wide as a tile
  static constexpr int kDepthStep = 16;  // units: rows are made of whole tiles
  static constexpr int kStepKeys = 1024;
};

}  // namespace
}  // namespace radial::cpu

#include "attention/cpu/amx_backward.h"
#include "attention/cpu/amx_forward.h"

namespace radial::cpu {
namespace {

constexpr Kernels kTable{kPanel,      kPairs,     kDepthStep, Simd::kStepKeys, pack_rows,
                         pack_across, pack_along, store_rows, forward_step,    backward_step};

}  // namespace
}  // namespace radial::cpu
