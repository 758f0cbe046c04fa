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

BackgroundClips::BackgroundClips(const ClipEncoder& encoder, std::uint64_t seed,
                                 std::uint64_t first, double share, std::int64_t most_ready)
    : encoder_(encoder), seed_(seed), next_(first), share_(share), most_ready_(most_ready) {
  RADIAL_REQUIRE(share > 0 && share <= 1, "share: expected a number in (0, 1], got ", share);
  thread_ = std::thread([this] { run(); });
}

BackgroundClips::~BackgroundClips() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
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
    LatentClips clips = encoder_.encode_training(seed_, next_, kTogether);
    next_ += kTogether;
    // The taker works on another stream: it gets clips that are finished.
    if (stream) stream->synchronize();
    const double worked = std::chrono::duration<double>(Clock::now() - begin).count();
    std::unique_lock lock(mutex_);
    ready_.push_back(std::move(clips));
    num_ready_ += kTogether;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::duration<double>(worked * (1 - share_) / share_),
                      [&] { return stop_; });
    changed_.wait(lock, [&] { return stop_ || num_ready_ <= most_ready_; });
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
