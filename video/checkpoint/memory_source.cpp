#include "video/checkpoint/memory_source.h"

#include <ATen/ops/empty.h>

namespace radial::video {

TableSource::TableSource(std::map<std::string, at::Tensor> tensors)
    : tensors_(std::move(tensors)) {}

std::optional<std::vector<std::int64_t>> TableSource::shape_of(const std::string& name,
                                                               at::IntArrayRef) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return std::nullopt;
  return found->second.sizes().vec();
}

at::Tensor TableSource::load(const std::string& name, at::IntArrayRef,
                             std::optional<at::ScalarType> dtype) {
  const at::Tensor& tensor = tensors_.at(name);
  return dtype ? tensor.to(*dtype) : tensor;
}

std::vector<std::string> TableSource::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

std::int64_t ShapeSource::num_parameters() const {
  std::int64_t count = 0;
  for (const auto& [name, shape] : shapes_) {
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) elements *= extent;
    count += elements;
  }
  return count;
}

std::optional<std::vector<std::int64_t>> ShapeSource::shape_of(const std::string&,
                                                               at::IntArrayRef expected) const {
  return expected.vec();
}

at::Tensor ShapeSource::load(const std::string& name, at::IntArrayRef shape,
                             std::optional<at::ScalarType> dtype) {
  shapes_[name] = shape.vec();
  dtypes_[name] = dtype.value_or(dtype_);
  return at::empty(shape, at::TensorOptions().device(at::kMeta).dtype(dtypes_[name]));
}

}  // namespace radial::video
