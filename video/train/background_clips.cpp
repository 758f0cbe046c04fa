#include "video/train/background_clips.h"

#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "radial/base/error.h"
#include "video/nn/interruption.h"

namespace radial::video {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kTogether = 4;  // clips drawn and encoded at once

}  // namespace

BackgroundClips::BackgroundClips(const ClipEncoder& encoder, const Options& options)
    : encoder_(encoder), options_(options), next_(options.first) {
  RADIAL_REQUIRE(options.share > 0 && options.share <= 1,
                 "share: expected a number in (0, 1], got ", options.share);
  RADIAL_REQUIRE(options.num_threads >= 1 && options.num_threads <= kMostThreads,
                 "threads: expected 1 to ", kMostThreads, ", got ", options.num_threads);
  for (std::int64_t i = 0; i < options.num_threads; ++i) threads_.emplace_back([this] { run(); });
}

BackgroundClips::~BackgroundClips() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BackgroundClips::run() {
  std::string failure = "stopped";
  try {
    draw_all();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  const std::lock_guard lock(mutex_);
  failure_ = failure;
  changed_.notify_all();
}

std::uint64_t BackgroundClips::claim() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = next_;
  next_ += kTogether;
  return first;
}

void BackgroundClips::draw_all() {
  const at::Device device = encoder_.device();
  std::optional<c10::Stream> stream;
  std::optional<c10::StreamGuard> guard;
  if (device.is_cuda()) {
    // Drawing is many small kernels: without priority each would wait for one of the training's to
    // have started all its blocks.
    stream = c10::impl::VirtualGuardImpl(device.type())
                 .getStreamFromGlobalPool(device, /*isHighPriority=*/true);
    guard.emplace(*stream);
  }
  for (;;) {
    const Clock::time_point begin = Clock::now();
    LatentClips clips = encoder_.encode_training(options_.seed, claim(), kTogether);
    // The taker works on another stream: it gets clips that are finished.
    if (stream) stream->synchronize();
    const double worked = std::chrono::duration<double>(Clock::now() - begin).count();
    std::unique_lock lock(mutex_);
    ready_.push_back(std::move(clips));
    num_ready_ += kTogether;
    changed_.notify_all();
    const double rest = worked * (1 - options_.share) / options_.share;
    changed_.wait_for(lock, std::chrono::duration<double>(rest), [&] { return stop_; });
    changed_.wait(lock, [&] { return stop_ || num_ready_ <= options_.most_ready; });
    if (stop_) return;
  }
}

std::vector<LatentClips> BackgroundClips::take(std::int64_t at_least) {
  std::vector<LatentClips> taken;
  {
    std::unique_lock lock(mutex_);
    while (num_ready_ < at_least && failure_.empty()) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      stop_if_requested();
    }
    if (num_ready_ < at_least) throw Error(concat("drawing clips: ", failure_));
    taken.swap(ready_);
    num_ready_ = 0;
  }
  changed_.notify_all();
  if (encoder_.device().is_cuda()) {
    const c10::Stream current =
        c10::impl::VirtualGuardImpl(encoder_.device().type()).getStream(encoder_.device());
    // Their memory belongs to the thread's stream: it is used again only after this one is done.
    for (const LatentClips& clips : taken) clips.latents.record_stream(current);
  }
  return taken;
}

std::string BackgroundClips::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace radial::video
