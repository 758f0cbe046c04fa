#include "train_base/training_progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace radial::tools {
namespace {

constexpr double kSecondsBetweenLines = 5;

std::string text_of(const video::RunStatus& status) {
  std::string text = "step " + std::to_string(status.steps);
  if (status.limits->steps > 0) text += " of " + std::to_string(status.limits->steps);
  for (const auto& [name, value] : status.values) {
    if (name == "seconds") continue;
    char number[32];
    std::snprintf(number, sizeof number, "%.4g", value);
    text += ", " + name + " " + number;
  }
  text += ", " + duration_text(status.seconds);
  if (std::isfinite(status.seconds_left)) {
    text += ", " + duration_text(status.seconds_left) + " left";
  }
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// Evaluations are rare and what people wait for.
bool is_evaluation(const video::RunStatus& status) {
  return std::none_of(status.values.begin(), status.values.end(),
                      [](const auto& value) { return value.first == "clips_per_s"; });
}

}  // namespace

TrainingProgress::TrainingProgress(bool quiet)
    : quiet_(quiet), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

void TrainingProgress::show(const video::RunStatus& status) {
  if (quiet_) return;
  if (is_evaluation(status)) {
    finish();
    std::fprintf(stderr, "%s\n", text_of(status).c_str());
    return;
  }
  if (on_terminal_) {
    std::fprintf(stderr, "\r%s\033[K", text_of(status).c_str());
    std::fflush(stderr);
    line_is_open_ = true;
  } else if (status.seconds - shown_at_ >= kSecondsBetweenLines) {
    std::fprintf(stderr, "%s\n", text_of(status).c_str());
    shown_at_ = status.seconds;
  }
}

void TrainingProgress::finish() {
  if (line_is_open_) std::fputc('\n', stderr);
  line_is_open_ = false;
}

}  // namespace radial::tools
