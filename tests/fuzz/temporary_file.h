#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "input.h"

namespace radial::testing {

/// A file in memory that has a path, for readers that open their input themselves.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) : descriptor_(::memfd_create("fuzz", 0)) {
    RADIAL_HOLDS(descriptor_ >= 0);
    RADIAL_HOLDS(::write(descriptor_, content.data(), content.size()) ==
                 static_cast<ssize_t>(content.size()));
  }
  ~TemporaryFile() { ::close(descriptor_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace radial::testing
