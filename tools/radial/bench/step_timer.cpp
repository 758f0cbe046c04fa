#include "bench/step_timer.h"

#include <ATen/record_function.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>
#include <string_view>

namespace radial::tools {
namespace {

// torch's callbacks are plain functions: they find the timer of their thread here.
thread_local StepTimer* timer_here = nullptr;

}  // namespace

TimeMark::TimeMark(c10::Device device) : time_(std::chrono::steady_clock::now()) {
  if (device.is_cpu()) return;
  event_.emplace(device.type(), c10::EventFlag::BACKEND_DEFAULT);  // the flag of events with a time
  event_->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
}

void TimeMark::wait() const {
  if (event_) event_->synchronize();
}

double TimeMark::ms_since(const TimeMark& earlier) const {
  if (event_) return earlier.event_->elapsedTime(*event_);
  return std::chrono::duration<double, std::milli>(time_ - earlier.time_).count();
}

StepTimer::Span::Span(StepTimer& owner, Spans& to, bool within)
    : timer(owner), spans(to), was_within(owner.within_), begin(owner.device_) {
  timer.within_ |= within;
}

StepTimer::Span::~Span() {
  timer.within_ = was_within;
  spans.emplace_back(std::move(begin), TimeMark(timer.device_));
}

struct StepTimer::OpenSpan : at::ObserverContext {
  OpenSpan(StepTimer& timer, Spans& spans) : span(timer, spans, false) {}
  Span span;

  static std::unique_ptr<at::ObserverContext> of(const at::RecordFunction& function) {
    StepTimer* const timer = timer_here;
    if (timer == nullptr || timer->within_) return nullptr;
    const std::string_view name = function.name();
    if (name == "aten::linear" || name == "aten::_addmm_activation")
      return std::make_unique<OpenSpan>(*timer, timer->products_);
    if (name == "aten::scaled_dot_product_attention") {
      return std::make_unique<OpenSpan>(*timer, timer->cross_);
    }
    return nullptr;
  }
};

StepTimer::StepTimer(c10::Device device) : device_(device), begin_(device) {
  timer_here = this;
  callback_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(OpenSpan::of).scopes({at::RecordScope::FUNCTION}));
}

StepTimer::~StepTimer() {
  at::removeCallback(callback_);
  timer_here = nullptr;
}

double StepTimer::sum(const Spans& spans) {
  double total = 0;
  for (const auto& [begin, end] : spans) total += end.ms_since(begin);
  return total;
}

StepTimes StepTimer::finish() {
  const TimeMark end(device_);
  end.wait();
  return {.total = end.ms_since(begin_),
          .self_attention = sum(self_),
          .cross_attention = sum(cross_),
          .products = sum(products_)};
}

}  // namespace radial::tools
