#pragma once

#include <cstddef>
#include <memory>

#include "radial/base/export.h"
#include "radial/base/stream.h"
#include "radial/plan/block_plan.h"

namespace radial {

/// A plan's arrays in the memory of one GPU: uploaded once, freed with this object. Needed by every
/// CUDA implementation (`RunOptions::device_plan`); may be shared by streams once the upload is
/// done.
class RADIAL_API DevicePlan {
 public:
  /// Copies the plan to GPU `device_index` and waits for the copy. Throws CudaError if a call
  /// fails, Unsupported if the library was built without CUDA.
  DevicePlan(const BlockPlan& plan, int device_index);
  ~DevicePlan();
  DevicePlan(const DevicePlan&) = delete;
  DevicePlan& operator=(const DevicePlan&) = delete;

  int device_index() const;
  std::size_t bytes() const;  ///< device memory held

  struct Arrays;  // src/attention/cuda/common/device_plan_arrays.h
  const Arrays& arrays() const { return *arrays_; }

 private:
  std::unique_ptr<Arrays> arrays_;
};

}  // namespace radial
