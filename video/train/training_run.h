#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "video/train/run_folder.h"

namespace radial::video {

/// Where a run is when a step begins.
struct TrainingMoment {
  std::int64_t step = 0;  ///< 0, 1, ...
  double progress = 0;    ///< in [0, 1]: the share of the steps or the time that is gone
};

/// What is trained: the part that differs from run to run. See run_training.
class Trainer {
 public:
  virtual ~Trainer() = default;

  /// One update. Should depend on the moment and the trainer's state alone, so that a resumed run
  /// repeats what it lost, and should not wait for the device.
  virtual void step(const TrainingMoment& moment) = 0;
  /// Losses, gradient norm and the like since the last call, for the log. May wait for the device.
  virtual LogValues measured() = 0;
  /// Measured on what is never trained on.
  virtual LogValues evaluated() { return {}; }
  /// How many clips a step learns from.
  virtual std::int64_t clips_per_step() const = 0;

  /// Everything that steps change. The tensors are read at once, so that views are welcome.
  virtual NamedTensors state() const = 0;
  /// Throws FormatError for another training's state.
  virtual void load_state(const NamedTensors& tensors) = 0;
  /// Writes what the run is for (averaged weights, samples) into its folder, over what is there.
  virtual void write_results(const std::filesystem::path& folder) = 0;
};

/// When a run ends, and how often it says and keeps what. Needs a number of steps, a time, or both:
/// then the first that is reached ends it.
struct RunLimits {
  std::int64_t steps = 0;       ///< 0: as many as the time allows
  double seconds = 0;           ///< of all parts of the run, with all that is written; 0: any
  std::int64_t log_every = 20;  ///< steps
  std::int64_t eval_every = 0;  ///< steps; 0: only when the results are written
  double save_every_s = 60;     ///< state and results
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();

  /// Throws InvalidArgument unless there is a limit, and for negative values.
  void check() const;
};

/// What an observer is told after each logged step and each evaluation.
struct RunStatus {
  std::int64_t steps = 0;
  const RunLimits* limits = nullptr;
  double seconds = 0;       ///< gone
  double seconds_left = 0;  ///< until the run ends
  LogValues values;
};
using RunObserver = std::function<void(const RunStatus&)>;

/// Trains to the limits: goes on from the folder's state if there is one, logs, evaluates, keeps
/// state and results every `save_every_s` and at the end. Of the time, as much is set aside for
/// writing the results as that took last. Returns the state at the end; a run that was finished
/// before does nothing.
///
/// Logged are, besides what the trainer measures, "clips_per_s" and "seconds". Throws Interrupted
/// after an interruption, with the state of the last whole step kept, and what the trainer throws.
TrainingState run_training(Trainer& trainer, const RunFolder& folder, const RunLimits& limits,
                           const RunObserver& observer);

}  // namespace radial::video
