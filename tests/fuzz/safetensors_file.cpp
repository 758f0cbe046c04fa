// Bytes -> a safetensors file: refused in one line, or its tensors fill the data exactly.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "read_law.h"
#include "video/checkpoint/safetensors.h"

namespace radial::testing {
namespace {

/// The input is the file itself, or its header, before which goes the right length and after which
/// as many bytes of data as its first bytes say: most changes of a whole file spoil only the
/// length.
std::vector<std::byte> file_of(std::span<const std::uint8_t> input) {
  std::vector<std::byte> file;
  if (!input.empty() && input[0] == 0) {
    for (const std::uint8_t byte : input.subspan(1)) file.push_back(std::byte{byte});
  } else if (input.size() >= 2) {
    const std::size_t data = input[1];
    const std::span<const std::uint8_t> header = input.subspan(2);
    for (int i = 0; i < 8; ++i) file.push_back(static_cast<std::byte>(header.size() >> (8 * i)));
    for (const std::uint8_t byte : header) file.push_back(std::byte{byte});
    file.resize(file.size() + data, std::byte{1});
  }
  return file;
}

void run(std::span<const std::uint8_t> input) {
  const std::vector<std::byte> file = file_of(input);
  reads([&] {
    const video::SafetensorsHeader header = video::parse_safetensors_header(file, "file");
    std::uint64_t begin = file.size();
    if (!header.tensors.empty()) begin = header.tensors.front().begin;
    for (const video::TensorEntry& tensor : header.tensors) {
      RADIAL_HOLDS(tensor.begin == begin && tensor.bytes <= file.size() - begin);
      auto bytes = static_cast<std::uint64_t>(size_of(tensor.type));
      for (const std::int64_t extent : tensor.shape) {
        RADIAL_HOLDS(extent >= 0);
        bytes *= static_cast<std::uint64_t>(extent);
      }
      RADIAL_HOLDS(bytes == tensor.bytes);
      begin += tensor.bytes;
    }
    RADIAL_HOLDS(begin == file.size());
  });
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({data, size});
  return 0;
}
