#include "video/nn/interruption.h"

#include <atomic>

namespace radial::video {
namespace {

// A signal is sent to the whole process, and so is this.
std::atomic<bool> requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

void request_interruption() noexcept { requested.store(true); }

void stop_if_requested() {
  if (requested.load()) throw Interrupted("interrupted");
}

}  // namespace radial::video
