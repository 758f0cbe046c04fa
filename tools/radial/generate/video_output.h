#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "video/pipeline/text_to_video.h"

namespace radial::tools {

/// Where a finished video goes: an .mp4, the first frame as .png, or a folder of numbered .png.
class VideoOutput {
 public:
  /// Throws InvalidArgument, before any work, if `path` is none of these or its folder is missing.
  VideoOutput(std::string path, const video::VideoSize& size, int fps);

  /// `frames` [1, F, 3, H, W] in [0, 1].
  void write(const at::Tensor& frames, const std::map<std::string, std::string>& metadata) const;

 private:
  std::string path_, extension_;
  video::VideoSize size_;
  int fps_;
};

}  // namespace radial::tools
