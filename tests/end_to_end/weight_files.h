#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace radial::test {

/// A tensor as a safetensors file stores it.
struct StoredTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;

  bool operator==(const StoredTensor&) const = default;
};

using StoredTensors = std::map<std::string, StoredTensor>;

/// A safetensors file made of a header and data as given: also files that are wrong.
std::string safetensors_of(const std::string& header, const std::string& data);
/// The safetensors file of `tensors`, written without the project's own writer.
std::string safetensors_of(const StoredTensors& tensors);
/// The tensors of a well-formed file, read without the project's own reader.
StoredTensors tensors_in(const std::filesystem::path& path);

/// Tensors with the names of a published network (its name in full_size_shapes.json), at most
/// `num_blocks` of its blocks, a few values each, all different. `layout`: official or diffusers.
StoredTensors small_weights(const std::string& network, const std::string& layout,
                            int num_blocks = 3);

/// Writes a file and the folders it stands in.
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace radial::test
