#include "generate/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace radial::tools {
namespace {

constexpr int kBarWidth = 30;
constexpr int kMostLines = 50;

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::lround(seconds));
  char text[64];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%lld s", whole);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%lld min %02lld s", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
  }
  return text;
}

Progress::Progress(std::string label, std::vector<double> costs, bool quiet)
    : label_(std::move(label)),
      costs_(std::move(costs)),
      quiet_(quiet),
      on_terminal_(::isatty(STDERR_FILENO) == 1) {}

// What is printed next begins a line of its own.
Progress::~Progress() {
  if (line_is_open_) std::fputc('\n', stderr);
}

void Progress::start(int first_step) {
  first_step_ = first_step;
  start_ = std::chrono::steady_clock::now();
}

double Progress::cost_of(int first, int last) const {
  return std::accumulate(costs_.begin() + first, costs_.begin() + last, 0.0);
}

void Progress::show(int steps_done) {
  if (quiet_) return;
  const int total = static_cast<int>(costs_.size());
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = elapsed * cost_of(steps_done, total) / cost_of(first_step_, steps_done);
  if (!on_terminal_) {
    const int stride = (total + kMostLines - 1) / kMostLines;
    if (steps_done % stride != 0 && steps_done != total) return;
    std::fprintf(stderr, "%sstep %d of %d, %s, %s left\n", label_.c_str(), steps_done, total,
                 duration_text(elapsed).c_str(), duration_text(left).c_str());
    return;
  }
  const int filled = kBarWidth * steps_done / total;
  const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '.');
  std::fprintf(stderr, "\r%s[%s] step %d of %d, %s, %s left\033[K", label_.c_str(), bar.c_str(),
               steps_done, total, duration_text(elapsed).c_str(), duration_text(left).c_str());
  std::fflush(stderr);
  line_is_open_ = true;
}

}  // namespace radial::tools
