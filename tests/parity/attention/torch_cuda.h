#pragma once

#include <ATen/Context.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "radial/attention/implementation.h"

namespace radial::torch_ops {

/// torch's CUDA library where there is an NVIDIA driver; the program itself names none, so that it
/// also runs beside a torch without CUDA. Loaded before main, as torch asks but once whether it is
/// there.
inline const void* const kTorchCuda = dlopen("libcuda.so.1", RTLD_LAZY) == nullptr
                                          ? nullptr
                                          : dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);

/// torch finds a GPU and the library an implementation that runs on it.
inline bool has_cuda() {
  if (kTorchCuda == nullptr || !at::hasCUDA()) return false;
  for (const ImplementationInfo& info : implementations()) {
    if (info.device == DeviceType::kCuda && info.available) return true;
  }
  return false;
}

}  // namespace radial::torch_ops

/// Ends a test where there is no GPU: skipped, or failed if RADIAL_EXPECT_CUDA says there is one.
#define RADIAL_NEEDS_CUDA()                                                                       \
  if (!radial::torch_ops::has_cuda()) {                                                           \
    ASSERT_EQ(std::getenv("RADIAL_EXPECT_CUDA"), nullptr) << "torch or the library finds no GPU"; \
    GTEST_SKIP() << "no GPU that torch and the library can use";                                  \
  }
