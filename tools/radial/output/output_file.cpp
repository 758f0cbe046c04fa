#include "output/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {

namespace fs = std::filesystem;

OutputFile::OutputFile(std::string_view option, std::string path) : path_(std::move(path)) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path_, ignored);
  if (path_.empty() || (fs::exists(status) && !fs::is_regular_file(status))) {
    refuse(option, "the path of a file to write", path_);
  }
  temporary_path_ = concat(path_, ".part-", ::getpid());
  const int descriptor =
      ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  file_ = descriptor < 0 ? nullptr : ::fdopen(descriptor, "wb");
  if (file_ == nullptr) {
    refuse(option, concat("a path that can be written (", std::strerror(errno), ")"), path_);
  }
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) {
    std::fclose(file_);
    std::remove(temporary_path_.c_str());
  }
}

void OutputFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail("writing");
}

void OutputFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void OutputFile::commit() {
  const bool written = std::ferror(file_) == 0 && std::fclose(std::exchange(file_, nullptr)) == 0;
  const bool renamed = written && std::rename(temporary_path_.c_str(), path_.c_str()) == 0;
  if (!renamed) {
    const int reason = errno;
    if (file_ == nullptr) std::remove(temporary_path_.c_str());
    errno = reason;
    fail(written ? "renaming the finished file to" : "writing");
  }
}

void OutputFile::fail(std::string_view what) const {
  throw Error(concat(what, " ", path_, ": ", std::strerror(errno)));
}

}  // namespace radial::tools
