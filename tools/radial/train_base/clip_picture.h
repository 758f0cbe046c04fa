#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace radial::tools {

/// Writes a PNG with a row for each clip, bytes [3, F, height, width] on the CPU: up to six of its
/// frames, spread evenly. All clips have the same size.
void write_clip_rows(const std::filesystem::path& path, const std::vector<at::Tensor>& clips,
                     const std::string& about);

/// What write_clip_rows shows of `frames` [F, 3, H, W] in [0, 1]: up to six of them, spread evenly,
/// as bytes [3, N, h, w], made smaller by a whole factor where they are wider than `most_width`.
at::Tensor picture_frames(const at::Tensor& frames, std::int64_t most_width);

}  // namespace radial::tools
