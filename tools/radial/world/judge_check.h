#pragma once

#include <cstdint>

#include "video/world/render.h"

namespace radial::tools {

/// How often the judge is right about clips whose scenes are known.
struct JudgeCheckRequest {
  std::uint64_t seed = 0, first = 0;
  std::int64_t count = 8;
  video::ClipSize size;
  at::Device device = at::kCPU;
  bool held_out = false;  ///< the first `count` held-out prompts' scenes instead of the seed's
  bool spoilt = false;    ///< clips spoilt as a model spoils them
};

/// Draws and judges the clips, also against prompts that differ in one attribute, and prints what
/// was mistaken, a table of confusions for each attribute, and the shares that were right.
int check_judge(const JudgeCheckRequest& request);

}  // namespace radial::tools
