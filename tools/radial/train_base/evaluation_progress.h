#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace radial::tools {

/// Shows on stderr which clips of an evaluation are being made and how long all of them still take:
/// a line that is redrawn on a terminal, a line for each group of clips elsewhere.
class EvaluationProgress {
 public:
  EvaluationProgress(std::size_t num_clips, bool quiet);
  ~EvaluationProgress();
  EvaluationProgress(const EvaluationProgress&) = delete;
  EvaluationProgress& operator=(const EvaluationProgress&) = delete;

  /// `share` in (0, 1] of the work on the clips `indexes` of a setting is done.
  void show(const std::string& setting, const std::vector<std::size_t>& indexes, double share);
  /// So many more clips are done.
  void add_done(std::size_t count) { done_ += count; }

 private:
  std::size_t num_clips_, done_ = 0;
  bool quiet_, on_terminal_, line_is_open_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace radial::tools
