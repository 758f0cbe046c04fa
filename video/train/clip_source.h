#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "video/train/background_clips.h"
#include "video/train/clip_encoder.h"
#include "video/train/flow_matching.h"

namespace radial::video {

/// Where a training takes its clips from: a store in memory, out of which each pass picks at
/// random.
class ClipSource {
 public:
  virtual ~ClipSource() = default;
  ClipSource() = default;
  ClipSource(const ClipSource&) = delete;
  ClipSource& operator=(const ClipSource&) = delete;

  /// `count` clips of the store, chosen by `key` (one may come twice), on the store's device.
  LatentClips batch(std::int64_t count, const DrawKey& key);

  /// Clips in the store.
  std::int64_t size() const { return size_; }
  /// Clips that have been in the store up to now, those before a resumed step included.
  std::int64_t num_drawn() const { return num_drawn_; }
  /// What goes wrong without stopping the training; empty if nothing does.
  virtual std::string trouble() const { return {}; }

 protected:
  /// Brings the store up to date for a step.
  virtual void prepare(std::int64_t step) = 0;
  void reserve(std::int64_t capacity, std::vector<std::int64_t> shape, at::Device device);
  /// Puts clips in, in place of the oldest when the store is full.
  void add(const LatentClips& clips);
  /// Empties the store; clip number `next` comes first.
  void clear(std::int64_t next);
  std::int64_t capacity() const { return latents_.size(0); }

 private:
  at::Tensor latents_;          // [capacity, C, F, H, W] bfloat16
  std::vector<Scene> scenes_;   // [capacity]
  std::int64_t num_drawn_ = 0;  // clip number n lies in slot n % capacity
  std::int64_t size_ = 0;
};

/// A store that is drawn while the training goes on.
class RollingClips : public ClipSource {
 public:
  struct Options {
    std::uint64_t seed = 0;        ///< of the world
    std::int64_t capacity = 2000;  ///< clips
    /// Without a share: the store is filled before the first step, and so many new clips replace
    /// the oldest at each later one. What is in it then depends on the number of the step alone.
    std::int64_t new_per_step = 1;
    /// If above 0: threads draw during this share of the time, and the training begins with
    /// `begin_with` clips. What is in the store then depends on speed, too.
    double background_share = 0;
    std::int64_t background_threads = 1;
    std::int64_t begin_with = 256;
  };
  /// `encoder` must outlive this. Throws InvalidArgument for options out of range.
  RollingClips(const ClipEncoder& encoder, const Options& options);

  std::string trouble() const override;

 protected:
  void prepare(std::int64_t step) override;

 private:
  void draw_for(std::int64_t step);

  const ClipEncoder& encoder_;
  Options options_;
  std::unique_ptr<BackgroundClips> background_;
};

/// A store read from files that write_clip_files wrote.
class FileClips : public ClipSource {
 public:
  /// Reads all files of `folder` into the memory of `device`. Throws Error if there are none,
  /// FormatError for a damaged one, InvalidArgument if they are of another VAE than `vae_digest`.
  FileClips(const std::filesystem::path& folder, const std::string& vae_digest, at::Device device);

 protected:
  void prepare(std::int64_t) override {}
};

}  // namespace radial::video
