#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "video/checkpoint/element_type.h"
#include "video/checkpoint/mapped_file.h"

namespace radial::video {

/// One tensor of a safetensors file: row-major, contiguous.
struct TensorEntry {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;  ///< offset of its first byte in the file
  std::uint64_t bytes;

  std::int64_t num_elements() const { return static_cast<std::int64_t>(bytes / size_of(type)); }
};

/// What stands before the data of a safetensors file: 8 bytes of little-endian length, then JSON.
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;             ///< in the order of their data
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
};

/// Reads and checks the header of `file`, the whole file's bytes. Throws FormatError, beginning
/// with `source`, unless the tensors fill the data exactly: no gap, no overlap, nothing outside,
/// sizes that follow from type and shape, no name twice.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           const std::string& source);

/// A safetensors file mapped into memory.
class SafetensorsFile {
 public:
  static std::shared_ptr<const SafetensorsFile> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return map_->path(); }
  const std::vector<TensorEntry>& tensors() const { return header_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  /// The tensor of that name, or null.
  const TensorEntry* find(const std::string& name) const;
  /// Its bytes in the map; valid as long as map() is held.
  std::span<std::byte> data(const TensorEntry& entry) const {
    return map_->bytes().subspan(entry.begin, entry.bytes);
  }
  const std::shared_ptr<MappedFile>& map() const { return map_; }

 private:
  SafetensorsFile(std::shared_ptr<MappedFile> map, SafetensorsHeader header);

  std::shared_ptr<MappedFile> map_;
  SafetensorsHeader header_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// A tensor to write: row-major, contiguous.
struct TensorData {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;  ///< keeps `bytes` alive, if they need it
};

/// Writes a safetensors file: to a temporary name beside `path`, then renamed. Throws
/// InvalidArgument for a name given twice or bytes that do not fit type and shape, Error if the
/// file cannot be written; then `path` is as it was.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace radial::video
