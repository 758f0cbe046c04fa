// Bytes -> a LoRA file: refused in one line, or changes of a Wan transformer's tensors.

#include "video/lora/lora_file.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

#include "read_law.h"
#include "temporary_file.h"

namespace radial::testing {
namespace {

/// The input is a header; before it goes its length, after it the data, as many bytes as the first
/// byte says and all alike (0x3c: a bfloat16 of 0.0115, a float32 of the same size).
std::string file_of(std::string_view input) {
  if (input.empty()) return {};
  const std::string_view header = input.substr(1);
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  file += header;
  file.append(static_cast<unsigned char>(input.front()), '\x3c');
  return file;
}

void run(std::string_view input) {
  const TemporaryFile file(file_of(input));
  reads([&] {
    const video::LoraFile lora = video::LoraFile::open(file.path());
    RADIAL_HOLDS(!lora.targets().empty());
    const auto [least, greatest] = lora.ranks();
    RADIAL_HOLDS(least >= 0 && least <= greatest);
    for (const std::string& name : lora.targets()) {
      reads([&] {
        const at::Tensor delta = lora.delta(name, {2, 3});
        RADIAL_HOLDS(delta.sizes() == at::IntArrayRef({2, 3}));
        RADIAL_HOLDS(delta.isfinite().all().item<bool>());
      });
    }
  });
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
