#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "video/checkpoint/safetensors.h"

namespace radial::video {

/// Reads the tensors out of a file that torch.save wrote (a zip archive with a pickle program),
/// without executing it: the program may build dictionaries of tensors by the few functions that
/// state dictionaries need. Throws FormatError for anything else, naming it. The tensors' bytes
/// point into `file`, except where a tensor was not contiguous.
std::vector<TensorData> read_pickled_tensors(std::span<const std::byte> file,
                                             const std::string& source);

/// The same from a file on disk, mapped; every tensor holds the map.
std::vector<TensorData> read_pickle_file(const std::filesystem::path& path);

}  // namespace radial::video
