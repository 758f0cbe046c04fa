#include "weight_files.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "command_runner.h"

namespace radial::test {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;

// Other bytes for every tensor, so that one in another's place is seen.
StoredTensor small_tensor(std::size_t number) {
  const bool is_wide = number % 2 == 0;
  const std::int64_t rows = 1 + static_cast<std::int64_t>(number % 3);
  StoredTensor tensor{is_wide ? "F32" : "BF16", {rows, 2}, ""};
  const auto size = static_cast<std::size_t>(rows * 2 * (is_wide ? 4 : 2));
  std::uint32_t state = static_cast<std::uint32_t>(number) * 2654435761u + 1;
  while (tensor.bytes.size() < size) {
    state = state * 1664525u + 1013904223u;
    tensor.bytes += static_cast<char>(state >> 24);
  }
  return tensor;
}

}  // namespace

std::string safetensors_of(const std::string& header, const std::string& data) {
  std::string file;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    file += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  }
  return file + header + data;
}

std::string safetensors_of(const StoredTensors& tensors) {
  json header = json::object();
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = data.size();
    data += tensor.bytes;
    header[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  return safetensors_of(header.dump(), data);
}

StoredTensors tensors_in(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(file.at(i))) << (8 * i);
  }
  const std::string data = file.substr(kLengthBytes + length);
  StoredTensors tensors;
  const json header = json::parse(file.substr(kLengthBytes, length));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const auto begin = entry.at("data_offsets").at(0).get<std::size_t>();
    const auto end = entry.at("data_offsets").at(1).get<std::size_t>();
    tensors[name] = {entry.at("dtype").get<std::string>(),
                     entry.at("shape").get<std::vector<std::int64_t>>(),
                     data.substr(begin, end - begin)};
  }
  return tensors;
}

StoredTensors small_weights(const std::string& network, const std::string& layout, int num_blocks) {
  const json lists = json::parse(read_file(RADIAL_PARITY_DATA "/full_size_shapes.json"));
  const json& list = lists.at(network).at(layout);
  StoredTensors tensors;
  for (const auto& [pattern, shape] : list.at("shapes").items()) {
    const std::size_t place = pattern.find('#');
    const int copies =
        place == std::string::npos ? 1 : std::min(num_blocks, list.at("blocks").get<int>());
    for (int block = 0; block < copies; ++block) {
      std::string name = pattern;
      if (place != std::string::npos) name.replace(place, 1, std::to_string(block));
      tensors[name] = small_tensor(tensors.size());
    }
  }
  return tensors;
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace radial::test
