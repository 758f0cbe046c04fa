#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "video/checkpoint/safetensors.h"

namespace radial::video {

/// Tensors by name out of one safetensors file or of all shards of one model part.
class Checkpoint {
 public:
  struct Tensor {
    std::shared_ptr<const SafetensorsFile> file;
    const TensorEntry* entry;
  };

  /// `path` is a .safetensors file, an index (`*.safetensors.index.json`), or a folder with one of
  /// either. Throws Error if it does not exist, FormatError if it is damaged, if shards are missing
  /// or name a tensor twice, or if a pickle file stands there instead (`radial convert` reads it).
  static Checkpoint open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::shared_ptr<const SafetensorsFile>>& files() const { return files_; }
  /// Names of all tensors, sorted.
  std::vector<std::string> names() const;
  /// The tensor of that name, or null.
  const Tensor* find(const std::string& name) const;
  std::size_t size() const { return tensors_.size(); }
  /// Bytes of all tensors.
  std::uint64_t bytes() const;
  /// `__metadata__` of the first file.
  const std::map<std::string, std::string>& metadata() const { return files_.front()->metadata(); }

 private:
  explicit Checkpoint(std::filesystem::path path) : path_(std::move(path)) {}
  void add_file(const std::filesystem::path& path);
  void add_shards(const std::filesystem::path& index);

  std::filesystem::path path_;
  std::vector<std::shared_ptr<const SafetensorsFile>> files_;
  std::unordered_map<std::string, Tensor> tensors_;
};

/// Whether the name ends as those of pickle files do: .pth, .pt, .bin, .ckpt, .pkl.
bool is_pickle_name(const std::filesystem::path& path);

}  // namespace radial::video
