#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "video/world/render.h"

namespace radial::video {

struct WorldClipsOptions {
  ClipSize size;               ///< of the clips drawn
  std::int64_t count = 1024;   ///< clips in all; each takes 3 F height width bytes
  std::int64_t at_first = 64;  ///< clips before the first step; then one more a step
  std::uint64_t seed = 0;
  at::Device device = at::kCPU;  ///< where clips are drawn and kept

  /// Throws InvalidArgument for a count below 1.
  void check() const;
};

/// What is cut out of a clip: consecutive frames, and a rectangle that is the same in each.
struct CutSize {
  std::int64_t frames, height, width;
};

/// Clips of the synthetic world to learn from, drawn as they are needed and kept as bytes on the
/// device: a step takes cuts of kept clips and draws at most one new one, so that drawing costs
/// little beside the step. Which clips there are and what is cut out follows from the seed and the
/// step. Held-out scenes are never drawn.
class WorldClips {
 public:
  explicit WorldClips(const WorldClipsOptions& options);

  /// Scene number `index`: never one that is held out.
  Scene scene(std::int64_t index) const;
  /// How many clips step number `step` chooses from.
  std::int64_t available(std::int64_t step) const;

  /// `count` cuts for a step: [count, 3, frames, height, width], float32 in [-1, 1], in the given
  /// memory format. Throws InvalidArgument for a cut that is larger than the clips.
  at::Tensor batch(const CutSize& cut, std::int64_t count, std::int64_t step,
                   at::MemoryFormat format = at::MemoryFormat::Contiguous);
  /// A whole clip [1, 3, F, height, width], likewise.
  at::Tensor clip(std::int64_t index, at::MemoryFormat format = at::MemoryFormat::Contiguous);

 private:
  const at::Tensor& bytes(std::int64_t index);

  WorldClipsOptions options_;
  std::vector<at::Tensor> clips_;  // [3, F, height, width] uint8
};

/// Pixels in [-1, 1] as bytes, and back as float32.
at::Tensor bytes_of_pixels(const at::Tensor& pixels);
at::Tensor pixels_of_bytes(const at::Tensor& bytes,
                           at::MemoryFormat format = at::MemoryFormat::Contiguous);

}  // namespace radial::video
