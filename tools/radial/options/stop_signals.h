#pragma once

namespace radial::tools {

/// Exit code after SIGINT or SIGTERM.
inline constexpr int kInterrupted = 130;

/// From now on the first SIGINT or SIGTERM asks the engine to stop (video::Interrupted), the second
/// ends the process at once.
void stop_on_signals();

}  // namespace radial::tools
