#pragma once

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace radial::tools {

/// A file that appears whole or not at all: bytes go to a temporary name in the same folder, and
/// `commit` renames it. Without `commit` the destructor removes it.
class OutputFile {
 public:
  /// Opens the temporary file. Throws InvalidArgument naming `option` if `path` cannot be written:
  /// so open all outputs before the work.
  OutputFile(std::string_view option, std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return path_; }
  std::FILE* stream() { return file_; }

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Flushes and renames; throws Error if any byte could not be written.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what) const;

  std::string path_;
  std::string temporary_path_;
  std::FILE* file_ = nullptr;
};

}  // namespace radial::tools
