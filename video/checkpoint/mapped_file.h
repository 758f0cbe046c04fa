#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace radial::video {

/// A file mapped into memory. The pages are private to the process: writing to them changes
/// neither the file nor another map of it.
class MappedFile {
 public:
  /// Throws Error if the file cannot be opened or mapped, FormatError if it is empty or no file.
  static std::shared_ptr<MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

  /// Lets go of the memory that `part` of the bytes takes: whole pages of it are read from the file
  /// again when they are looked at, without what was written to them.
  void release(std::span<std::byte> part) const;

 private:
  MappedFile(std::filesystem::path path, std::span<std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  std::filesystem::path path_;
  std::span<std::byte> bytes_;
};

}  // namespace radial::video
