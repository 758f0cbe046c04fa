#include "video/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "radial/base/error.h"

namespace radial::video {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::filesystem::path& path)
      : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (value_ < 0) throw Error(concat(path.string(), ": ", std::strerror(errno)));
  }
  ~FileDescriptor() { ::close(value_); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int value() const { return value_; }

 private:
  int value_;
};

}  // namespace

std::shared_ptr<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const FileDescriptor file(path);
  struct stat status {};
  if (::fstat(file.value(), &status) != 0) {
    throw Error(concat(path.string(), ": ", std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw FormatError(concat(path.string(), ": is not a file"));
  if (status.st_size == 0) throw FormatError(concat(path.string(), ": is empty"));
  const auto size = static_cast<std::size_t>(status.st_size);
  // Private and writable: a LoRA can be merged in place without the file noticing.
  void* const data =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.value(), 0);
  if (data == MAP_FAILED) throw Error(concat(path.string(), ": ", std::strerror(errno)));
  return std::shared_ptr<MappedFile>(
      new MappedFile(path, std::span(static_cast<std::byte*>(data), size)));
}

void MappedFile::release(std::span<std::byte> part) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto data = reinterpret_cast<std::uintptr_t>(part.data());
  const std::uintptr_t begin = (data + page - 1) / page * page;
  const std::uintptr_t end = (data + part.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() { ::munmap(bytes_.data(), bytes_.size()); }

}  // namespace radial::video
