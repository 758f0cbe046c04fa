#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

namespace radial::tools {

/// Writes a PNG with a row for each clip, bytes [3, F, height, width] on the CPU: up to six of its
/// frames, spread evenly. All clips have the same size.
void write_clip_rows(const std::filesystem::path& path, const std::vector<at::Tensor>& clips,
                     const std::string& about);

}  // namespace radial::tools
