#include "train_base/evaluation_progress.h"

#include <unistd.h>

#include <cstdio>

#include "generate/progress.h"
#include "radial/base/error.h"

namespace radial::tools {

EvaluationProgress::EvaluationProgress(std::size_t num_clips, bool quiet)
    : num_clips_(num_clips), quiet_(quiet), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

EvaluationProgress::~EvaluationProgress() {
  if (line_is_open_) std::fputc('\n', stderr);
}

void EvaluationProgress::show(const std::string& setting, const std::vector<std::size_t>& indexes,
                              double share) {
  if (quiet_ || (!on_terminal_ && share < 1)) return;
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double now = static_cast<double>(done_) + share * static_cast<double>(indexes.size());
  const double left = elapsed * (static_cast<double>(num_clips_) - now) / now;
  std::string which = concat("clip ", indexes.front() + 1);
  if (indexes.size() > 1) {
    which = concat("clips ", indexes.front() + 1, " to ", indexes.back() + 1);
  }
  std::fprintf(stderr, "%s%s, %s: %.0f %%; %.0f %% of all %zu, %s, %s left%s",
               on_terminal_ ? "\r" : "", setting.c_str(), which.c_str(), 100 * share,
               100 * now / static_cast<double>(num_clips_), num_clips_,
               duration_text(elapsed).c_str(), duration_text(left).c_str(),
               on_terminal_ ? "\033[K" : "\n");
  std::fflush(stderr);
  line_is_open_ = on_terminal_;
}

}  // namespace radial::tools
