// Bytes -> a file of torch.save: refused in one line, or tensors that a safetensors file can hold.

#include "video/checkpoint/pickle_file.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "read_law.h"
#include "video/checkpoint/zip_archive.h"

namespace radial::testing {
namespace {

using Bytes = std::vector<std::byte>;

void append(Bytes& file, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) file.push_back(static_cast<std::byte>(value & 0xff));
}

void append(Bytes& file, std::string_view text) {
  for (const char character : text) file.push_back(static_cast<std::byte>(character));
}

struct Member {
  std::string_view name, content;
};

/// An archive of uncompressed members (PKWARE APPNOTE 4.3), as far as the reader looks at it.
Bytes archive_of(std::span<const Member> members) {
  Bytes file, directory;
  for (const Member& member : members) {
    append(directory, 0x02014b50, 4);
    append(directory, 0, 16);
    for (int i = 0; i < 2; ++i) append(directory, member.content.size(), 4);
    append(directory, member.name.size(), 2);
    append(directory, 0, 12);
    append(directory, file.size(), 4);
    append(directory, member.name);
    append(file, 0x04034b50, 4);
    append(file, 0, 22);
    append(file, member.name.size(), 2);
    append(file, 0, 2);
    append(file, member.name);
    append(file, member.content);
  }
  const std::size_t begin = file.size();
  file.insert(file.end(), directory.begin(), directory.end());
  append(file, 0x06054b50, 4);
  append(file, 0, 6);
  append(file, members.size(), 2);
  append(file, directory.size(), 4);
  append(file, begin, 4);
  append(file, 0, 2);
  return file;
}

/// The input is the file itself, or the program in a sound archive with two storages.
Bytes file_of(std::string_view input) {
  if (!input.empty() && input.front() == 1) {
    const std::string storage(64, '\1');
    const Member members[] = {{"a/data.pkl", input.substr(1)},
                              {"a/data/0", storage},
                              {"a/data/1", std::string_view(storage).substr(0, 8)}};
    return archive_of(members);
  }
  Bytes file;
  append(file, input.substr(input.empty() ? 0 : 1));
  return file;
}

void run(std::string_view input) {
  const Bytes file = file_of(input);
  reads([&] {
    const auto tensors = video::read_pickled_tensors(file, "file");
    std::uint64_t sum = 0;
    for (const video::TensorData& tensor : tensors) {
      auto bytes = static_cast<std::uint64_t>(size_of(tensor.type));
      for (const std::int64_t extent : tensor.shape) bytes *= static_cast<std::uint64_t>(extent);
      RADIAL_HOLDS(bytes == tensor.bytes.size());
      // Every byte can be read.
      for (const std::byte byte : tensor.bytes) sum += std::to_integer<std::uint64_t>(byte);
    }
    RADIAL_HOLDS(sum <= 255 * 8 * file.size());
  });
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
