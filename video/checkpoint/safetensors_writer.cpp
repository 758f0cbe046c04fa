#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"
#include "video/checkpoint/safetensors.h"

namespace radial::video {
namespace {

constexpr std::size_t kHeaderAlignment = 8;  // so that every tensor is aligned to its elements

bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

void check_tensor(const TensorData& tensor, std::set<std::string>& names) {
  RADIAL_REQUIRE(names.insert(tensor.name).second && tensor.name != "__metadata__", "tensor ",
                 printable(tensor.name), " is given twice or has a reserved name");
  RADIAL_REQUIRE(is_utf8(tensor.name), "tensor ", printable(tensor.name),
                 ": the name is no UTF-8, which a safetensors file needs");
  std::uint64_t expected = size_of(tensor.type);
  for (const std::int64_t extent : tensor.shape) expected *= static_cast<std::uint64_t>(extent);
  RADIAL_REQUIRE(tensor.bytes.size() == expected, "tensor ", printable(tensor.name), " has ",
                 tensor.bytes.size(), " bytes, its shape needs ", expected);
}

// Wide elements first, then by name: no tensor needs padding before it.
std::vector<const TensorData*> in_file_order(const std::vector<TensorData>& tensors) {
  std::vector<const TensorData*> order;
  std::set<std::string> names;
  for (const TensorData& tensor : tensors) {
    check_tensor(tensor, names);
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const TensorData* left, const TensorData* right) {
    const std::size_t left_size = size_of(left->type);
    const std::size_t right_size = size_of(right->type);
    return left_size != right_size ? left_size > right_size : left->name < right->name;
  });
  return order;
}

std::string header_text(const std::vector<const TensorData*>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorData* tensor : order) {
    header[tensor->name] = {{"dtype", name_of(tensor->type)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + tensor->bytes.size()}}};
    offset += tensor->bytes.size();
  }
  std::string text = header.dump();
  text.append((kHeaderAlignment - text.size() % kHeaderAlignment) % kHeaderAlignment, ' ');
  return text;
}

// `wanted` is the name that messages give the file.
void write_all(const std::filesystem::path& path, const std::filesystem::path& wanted,
               const std::string& header, const std::vector<const TensorData*>& order) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>((header.size() >> (8 * i)) & 0xff);
  }
  file.write(length.data(), length.size());
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const TensorData* tensor : order) {
    file.write(reinterpret_cast<const char*>(tensor->bytes.data()),
               static_cast<std::streamsize>(tensor->bytes.size()));
  }
  file.close();
  if (!file) throw Error(concat(wanted.string(), ": cannot be written: ", std::strerror(errno)));
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<const TensorData*> order = in_file_order(tensors);
  std::filesystem::path temporary = path;
  temporary += concat(".partial-", ::getpid());
  try {
    write_all(temporary, path, header_text(order, metadata), order);
    std::filesystem::rename(temporary, path);
  } catch (const std::filesystem::filesystem_error& error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw Error(concat(path.string(), ": cannot be written: ", error.code().message()));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace radial::video
