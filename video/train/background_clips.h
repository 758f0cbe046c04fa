#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "video/train/clip_encoder.h"

namespace radial::video {

/// Draws training clips one after the other on a thread and, on a GPU, a stream of its own, while
/// other work goes on.
class BackgroundClips {
 public:
  /// Begins with scene `first` of the world `seed`. Works `share` of the time, in (0, 1], and rests
  /// for the remaining time, or while more than `most_ready` clips wait to be taken. `encoder` must
  /// outlive this.
  BackgroundClips(const ClipEncoder& encoder, std::uint64_t seed, std::uint64_t first, double share,
                  std::int64_t most_ready);
  ~BackgroundClips();
  BackgroundClips(const BackgroundClips&) = delete;
  BackgroundClips& operator=(const BackgroundClips&) = delete;

  /// All clips that are ready, in order, after waiting until there are `at_least` of them (no more
  /// than `most_ready`); usable on the current stream. Throws Error if drawing failed and there are
  /// fewer, Interrupted.
  std::vector<LatentClips> take(std::int64_t at_least);

  /// What stopped the drawing; empty as long as it goes on.
  std::string failure() const;

 private:
  void run();
  void draw_all();

  const ClipEncoder& encoder_;
  std::uint64_t seed_, next_;
  double share_;
  std::int64_t most_ready_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LatentClips> ready_;
  std::int64_t num_ready_ = 0;
  std::string failure_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace radial::video
