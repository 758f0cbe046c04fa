#pragma once

#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "radial/base/export.h"
#include "radial/cuda/device_plan.h"
#include "radial/mask/radial_mask.h"
#include "radial/plan/block_plan.h"

namespace radial::torch_ops {

class PlanHandle;
using PlanPtr = c10::intrusive_ptr<PlanHandle>;

/// A plan as torch holds it: `torch.classes.radial.Plan`. Immutable to its users and safe to share
/// between threads; holds the plan and its copy on each GPU that has run it. Operators name a plan
/// by its id (why: docs/decisions/0010), so whoever calls them keeps the handle.
class RADIAL_API PlanHandle : public torch::CustomClassHolder {
 public:
  /// The plan of a mask. Throws radial::InvalidArgument as BlockPlan::build does.
  static PlanPtr build(const RadialMask& mask);
  /// A plan of one's own; has no mask, so no layout and no permutation.
  static PlanPtr wrap(BlockPlan plan);
  /// The living plan of that id; null if there is none.
  static PlanPtr find(std::int64_t id);

  /// Use `build` or `wrap`, which make the plan known by its id.
  PlanHandle(std::optional<RadialMask> mask, BlockPlan plan);

  /// Names this plan as long as the process runs; never given twice.
  std::int64_t id() const { return id_; }

  const BlockPlan& plan() const { return *plan_; }
  std::shared_ptr<const BlockPlan> shared_plan() const { return plan_; }
  /// What the plan was built from; empty for a plan of one's own.
  const std::optional<RadialMask>& mask() const { return mask_; }

  /// The plan in the memory of `device`, uploaded at the first call (which waits for the copy, so
  /// that call cannot be part of a CUDA graph); null for the CPU.
  const DevicePlan* on(const c10::Device& device) const;

  /// Called by c10 when the last reference goes.
  void release_resources() override;

 private:
  std::int64_t id_;
  std::optional<RadialMask> mask_;
  std::shared_ptr<const BlockPlan> plan_;
  mutable std::mutex uploads_mutex_;
  mutable std::map<int, std::unique_ptr<const DevicePlan>> uploads_;  // by device index
};

}  // namespace radial::torch_ops
