#pragma once

#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace radial::tools {

/// A moment on the time line of a device: of its current stream on a GPU, where nothing is waited
/// for, of the clock on the CPU.
class TimeMark {
 public:
  explicit TimeMark(c10::Device device);
  /// Waits until a GPU has come here.
  void wait() const;
  /// Both must have been reached.
  double ms_since(const TimeMark& earlier) const;

 private:
  std::chrono::steady_clock::time_point time_;
  std::optional<c10::Event> event_;
};

/// Milliseconds of one forward pass of a transformer.
struct StepTimes {
  double total = 0;
  double self_attention = 0;
  double cross_attention = 0;
  double products = 0;  ///< linear layers, with their biases and the activation one applies
  double rest() const { return total - self_attention - cross_attention - products; }
};

/// While it lives, marks begin and end of what this thread asks torch for: linear layers, torch's
/// attention outside `self_attention`, and what runs inside `self_attention`.
class StepTimer {
 public:
  explicit StepTimer(c10::Device device);
  ~StepTimer();
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

  template <typename Body>
  auto self_attention(const Body& body) {
    Span span(*this, self_, /*within=*/true);
    return body();
  }

  /// Ends the pass, waits for it and adds up.
  StepTimes finish();

 private:
  using Spans = std::vector<std::pair<TimeMark, TimeMark>>;
  struct Span {
    Span(StepTimer& timer, Spans& spans, bool within);
    ~Span();
    StepTimer& timer;
    Spans& spans;
    bool was_within;
    TimeMark begin;
  };
  struct OpenSpan;
  static double sum(const Spans& spans);

  c10::Device device_;
  bool within_ = false;  // self-attention
  Spans self_, cross_, products_;
  std::uint64_t callback_ = 0;
  TimeMark begin_;
};

}  // namespace radial::tools
