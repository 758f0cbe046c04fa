#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "video/train/clip_encoder.h"

namespace radial::video {

/// Draws training clips on threads of its own, on a GPU each with a stream of its own, while other
/// work goes on.
class BackgroundClips {
 public:
  static constexpr std::int64_t kMostThreads = 64;
  struct Options {
    std::uint64_t seed = 0;        ///< of the world
    std::uint64_t first = 0;       ///< scene that comes first
    double share = 1;              ///< of the time that each thread works, in (0, 1]
    std::int64_t num_threads = 1;  ///< many small kernels: one thread does not keep a GPU busy
    std::int64_t most_ready = 64;  ///< all rest while more clips than this wait to be taken
  };
  /// `encoder` must outlive this. Throws InvalidArgument for options out of range.
  BackgroundClips(const ClipEncoder& encoder, const Options& options);
  ~BackgroundClips();
  BackgroundClips(const BackgroundClips&) = delete;
  BackgroundClips& operator=(const BackgroundClips&) = delete;

  /// All clips that are ready (of one thread: in order), after waiting until there are `at_least`
  /// of them (no more than `most_ready`); usable on the current stream. Throws Error if drawing
  /// failed and there are fewer, Interrupted.
  std::vector<LatentClips> take(std::int64_t at_least);

  /// What stopped the drawing; empty as long as it goes on.
  std::string failure() const;

 private:
  void run();
  void draw_all();
  /// Number of the first of the scenes to draw next.
  std::uint64_t claim();

  const ClipEncoder& encoder_;
  Options options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_;
  std::vector<LatentClips> ready_;
  std::int64_t num_ready_ = 0;
  std::string failure_;
  bool stop_ = false;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace radial::video
