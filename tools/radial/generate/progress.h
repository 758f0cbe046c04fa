#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace radial::tools {

/// Seconds as people say them: "42 s", "3 min 20 s", "2 h 05 min".
std::string duration_text(double seconds);

/// Shows on stderr how far a run of steps is and how long it still takes: a bar that is redrawn on
/// a terminal, a line a step (at most about 50) elsewhere.
class Progress {
 public:
  /// `costs` says how expensive each step is next to the others. `label` stands before it.
  Progress(std::string label, std::vector<double> costs, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Steps before `first_step` were done in an earlier run.
  void start(int first_step);
  void show(int steps_done);

 private:
  double cost_of(int first, int last) const;

  std::string label_;
  std::vector<double> costs_;
  bool quiet_, on_terminal_, line_is_open_ = false;
  int first_step_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace radial::tools
