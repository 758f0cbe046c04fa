#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"

namespace radial::video {

at::ScalarType scalar_type(ElementType type) {
  switch (type) {
    case ElementType::kBool:
      return at::kBool;
    case ElementType::kU8:
      return at::kByte;
    case ElementType::kI8:
      return at::kChar;
    case ElementType::kI16:
      return at::kShort;
    case ElementType::kI32:
      return at::kInt;
    case ElementType::kI64:
      return at::kLong;
    case ElementType::kF8E4M3:
      return at::kFloat8_e4m3fn;
    case ElementType::kF8E5M2:
      return at::kFloat8_e5m2;
    case ElementType::kF16:
      return at::kHalf;
    case ElementType::kBF16:
      return at::kBFloat16;
    case ElementType::kF32:
      return at::kFloat;
    case ElementType::kF64:
      break;
  }
  return at::kDouble;
}

ElementType element_type(at::ScalarType type) {
  for (int index = 0; index <= static_cast<int>(ElementType::kF64); ++index) {
    const auto candidate = static_cast<ElementType>(index);
    if (scalar_type(candidate) == type) return candidate;
  }
  throw InvalidArgument(
      concat("a tensor of ", type, " cannot be stored; expected one of ", element_type_names()));
}

at::Tensor view_of(const SafetensorsFile& file, const TensorEntry& entry) {
  const auto options = at::TensorOptions().dtype(scalar_type(entry.type));
  const std::span<std::byte> data = file.data(entry);
  if (reinterpret_cast<std::uintptr_t>(data.data()) % size_of(entry.type) != 0) {
    at::Tensor copy = at::empty(entry.shape, options);
    if (!data.empty()) std::memcpy(copy.data_ptr(), data.data(), data.size());
    return copy;
  }
  // The view holds the map, so that it outlives the file object.
  return at::from_blob(
      data.data(), entry.shape, [map = file.map()](void*) {}, options);
}

std::map<std::string, at::Tensor> load_tensors(const std::filesystem::path& path) {
  const std::shared_ptr<const SafetensorsFile> file = SafetensorsFile::open(path);
  std::map<std::string, at::Tensor> tensors;
  for (const TensorEntry& entry : file->tensors()) {
    tensors.emplace(entry.name, view_of(*file, entry).clone());
  }
  return tensors;
}

void save_tensors(const std::filesystem::path& path,
                  const std::map<std::string, at::Tensor>& tensors,
                  const std::map<std::string, std::string>& metadata) {
  std::vector<TensorData> data;
  for (const auto& [name, tensor] : tensors) {
    const auto stored = std::make_shared<at::Tensor>(tensor.detach().to(at::kCPU).contiguous());
    data.push_back(
        {name, element_type(stored->scalar_type()), stored->sizes().vec(),
         std::span(static_cast<const std::byte*>(stored->const_data_ptr()), stored->nbytes()),
         stored});
  }
  write_safetensors(path, data, metadata);
}

}  // namespace radial::video
