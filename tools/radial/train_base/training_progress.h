#pragma once

#include "generate/progress.h"
#include "video/train/training_run.h"

namespace radial::tools {

/// Shows on stderr where a training is, what it measures and how long it still takes: a line that
/// is written anew on a terminal, lines some seconds apart elsewhere.
class TrainingProgress {
 public:
  explicit TrainingProgress(bool quiet);
  ~TrainingProgress() { finish(); }
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;

  void show(const video::RunStatus& status);
  /// What is printed next begins a line of its own.
  void finish();

 private:
  bool quiet_, on_terminal_, line_is_open_ = false;
  double shown_at_ = -1e9;  // seconds of the run
};

}  // namespace radial::tools
