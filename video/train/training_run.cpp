#include "video/train/training_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "radial/base/error.h"
#include "video/nn/interruption.h"

namespace radial::video {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Run {
 public:
  Run(Trainer& trainer, const RunFolder& folder, const RunLimits& limits,
      const RunObserver& observer)
      : trainer_(trainer), folder_(folder), limits_(limits), observer_(observer) {
    if (auto kept = folder.load_state()) {
      if (!kept->finished) trainer.load_state(kept->tensors);
      state_ = std::move(*kept);
      state_.tensors.clear();
    }
    seconds_before_ = state_.seconds;
    logged_steps_ = first_step_ = state_.steps;
    first_at_ = logged_at_ = saved_at_ = Clock::now();
  }

  TrainingState run() {
    if (state_.finished) return state_;
    try {
      while (!is_over()) {
        stop_if_requested();
        trainer_.step({state_.steps, progress()});
        ++state_.steps;
        after_step();
      }
      state_.finished = true;
      keep();
    } catch (const Interrupted&) {
      state_.finished = false;
      save_state();
      throw;
    }
    return state_;
  }

 private:
  double seconds() const { return seconds_before_ + seconds_since(limits_.begin); }
  double training_seconds() const { return limits_.seconds - reserve(); }

  // What the end still needs: writing, and a step that is under way.
  double reserve() const {
    constexpr double kUnknown = 0.1, kSlack = 0.01;  // shares of the whole time
    constexpr double kVariation = 1.3;
    if (keep_seconds_ == 0) return kUnknown * limits_.seconds;
    return kVariation * keep_seconds_ + step_seconds() + kSlack * limits_.seconds;
  }

  double step_seconds() const {
    const auto done = static_cast<double>(state_.steps - first_step_);
    return done > 0 ? seconds_since(first_at_) / done : 0;
  }

  bool is_over() const {
    return (limits_.steps > 0 && state_.steps >= limits_.steps) ||
           (limits_.seconds > 0 && seconds() >= training_seconds());
  }

  double progress() const {
    double share = 0;
    if (limits_.steps > 0) {
      share = static_cast<double>(state_.steps) / static_cast<double>(limits_.steps);
    }
    if (limits_.seconds > 0 && training_seconds() > 0) {
      share = std::max(share, seconds() / training_seconds());
    }
    return std::clamp(share, 0.0, 1.0);
  }

  void after_step() {
    const bool is_last = is_over();
    if (state_.steps % limits_.log_every == 0 || state_.steps == 1 || is_last) log();
    if (is_last) return;
    if (seconds_since(saved_at_) >= limits_.save_every_s) {
      keep();
    } else if (limits_.eval_every > 0 && state_.steps % limits_.eval_every == 0) {
      evaluate();
    }
  }

  void log() {
    LogValues values = trainer_.measured();  // waits, so that the time below is that of the steps
    const double elapsed = std::max(seconds_since(logged_at_), 1e-9);
    const auto clips =
        static_cast<double>((state_.steps - logged_steps_) * trainer_.clips_per_step());
    values.emplace_back("clips_per_s", clips / elapsed);
    say(std::move(values));
    restart_log_clock();
  }

  void evaluate() {
    LogValues values = trainer_.evaluated();
    if (!values.empty()) say(std::move(values));
    restart_log_clock();
  }

  // Writing and evaluating are no part of the speed of training.
  void restart_log_clock() {
    logged_at_ = Clock::now();
    logged_steps_ = state_.steps;
  }

  void say(LogValues values) {
    values.emplace_back("seconds", seconds());
    folder_.append_log(state_.steps, values);
    if (!observer_) return;
    observer_({.steps = state_.steps,
               .limits = &limits_,
               .seconds = seconds(),
               .seconds_left = seconds_left(),
               .values = std::move(values)});
  }

  double seconds_left() const {
    double left = std::numeric_limits<double>::infinity();
    if (limits_.steps > 0) {
      left = static_cast<double>(limits_.steps - state_.steps) * step_seconds() + keep_seconds_;
    }
    if (limits_.seconds > 0) left = std::min(left, limits_.seconds - seconds());
    return std::max(0.0, left);
  }

  // The state after the results: a state that says "finished" has them.
  void keep() {
    const Clock::time_point begin = Clock::now();
    evaluate();
    trainer_.write_results(folder_.path());
    save_state();
    keep_seconds_ = seconds_since(begin);
    saved_at_ = Clock::now();
    restart_log_clock();
  }

  void save_state() {
    state_.tensors = trainer_.state();
    state_.seconds = seconds();
    folder_.save_state(state_);
    state_.tensors.clear();
  }

  Trainer& trainer_;
  const RunFolder& folder_;
  const RunLimits& limits_;
  const RunObserver& observer_;
  TrainingState state_;
  double seconds_before_ = 0, keep_seconds_ = 0;
  std::int64_t first_step_ = 0, logged_steps_ = 0;
  Clock::time_point first_at_, logged_at_, saved_at_;
};

}  // namespace

void RunLimits::check() const {
  RADIAL_REQUIRE(steps >= 0 && seconds >= 0 && (steps > 0 || seconds > 0),
                 "limits: expected a number of steps or a time, got ", steps, " steps and ",
                 seconds, " s");
  RADIAL_REQUIRE(log_every >= 1, "log_every: expected 1 or more, got ", log_every);
  RADIAL_REQUIRE(eval_every >= 0, "eval_every: expected 0 or more, got ", eval_every);
  RADIAL_REQUIRE(save_every_s > 0, "save_every_s: expected more than 0, got ", save_every_s);
}

TrainingState run_training(Trainer& trainer, const RunFolder& folder, const RunLimits& limits,
                           const RunObserver& observer) {
  limits.check();
  return Run(trainer, folder, limits, observer).run();
}

}  // namespace radial::video
