#include "radial/torch/plan_handle.h"

#include <atomic>

namespace radial::torch_ops {
namespace {

// Larger than any count of tokens: torch.compile takes equal integers for one symbol.
constexpr std::int64_t kFirstId = std::int64_t{1} << 40;

/// The plans that live, by id.
struct Registry {
  std::mutex mutex;
  std::map<std::int64_t, c10::weak_intrusive_ptr<PlanHandle>> plans;
};

Registry& registry() {
  static Registry* const instance = new Registry;  // outlives every plan, static ones too
  return *instance;
}

PlanPtr registered(PlanPtr plan) {
  const std::lock_guard lock(registry().mutex);
  registry().plans.emplace(plan->id(), c10::weak_intrusive_ptr<PlanHandle>(plan));
  return plan;
}

std::int64_t next_id() {
  static std::atomic<std::int64_t> next = kFirstId;
  return next++;
}

}  // namespace

PlanPtr PlanHandle::build(const RadialMask& mask) {
  return registered(c10::make_intrusive<PlanHandle>(mask, BlockPlan::build(mask)));
}

PlanPtr PlanHandle::wrap(BlockPlan plan) {
  return registered(c10::make_intrusive<PlanHandle>(std::nullopt, std::move(plan)));
}

PlanPtr PlanHandle::find(std::int64_t id) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().plans.find(id);
  return found == registry().plans.end() ? PlanPtr() : found->second.lock();
}

PlanHandle::PlanHandle(std::optional<RadialMask> mask, BlockPlan plan)
    : id_(next_id()),
      mask_(std::move(mask)),
      plan_(std::make_shared<const BlockPlan>(std::move(plan))) {}

// The last strong reference is gone; the registry's weak one has to go before the memory can.
void PlanHandle::release_resources() {
  const std::lock_guard lock(registry().mutex);
  registry().plans.erase(id_);
}

const DevicePlan* PlanHandle::on(const c10::Device& device) const {
  if (!device.is_cuda()) return nullptr;
  const std::lock_guard lock(uploads_mutex_);
  auto& upload = uploads_[device.index()];
  if (!upload) upload = std::make_unique<const DevicePlan>(*plan_, device.index());
  return upload.get();
}

}  // namespace radial::torch_ops
