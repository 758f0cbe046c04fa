#include "options/stop_signals.h"

#include <csignal>

#include "video/nn/interruption.h"

namespace radial::tools {

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { video::request_interruption(); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace radial::tools
