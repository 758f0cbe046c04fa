#include "video/checkpoint/tensor_source.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::size_t kListedNames = 20;

void append_list(std::string& text, const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text += concat("; ", title, " ", names.size(), ": ");
  for (std::size_t i = 0; i < std::min(names.size(), kListedNames); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kListedNames) {
    text += concat(" and ", names.size() - kListedNames, " more");
  }
}

}  // namespace

at::Tensor TensorSource::tensor(const std::string& name, at::IntArrayRef shape,
                                std::optional<at::ScalarType> dtype) {
  taken_.insert(name);
  const std::optional<std::vector<std::int64_t>> found = shape_of(name, shape);
  if (found && at::IntArrayRef(*found) == shape) return load(name, shape, dtype);
  if (found) {
    misshapen_.push_back(concat(name, " (is ", at::IntArrayRef(*found), ", expected ", shape, ")"));
  } else {
    missing_.push_back(name);
  }
  return at::empty(shape, at::TensorOptions().device(at::kMeta).dtype(dtype.value_or(at::kFloat)));
}

void TensorSource::finish() const {
  std::vector<std::string> unexpected;
  for (std::string& name : names()) {
    if (!taken_.contains(name)) unexpected.push_back(std::move(name));
  }
  if (missing_.empty() && misshapen_.empty() && unexpected.empty()) return;
  std::sort(unexpected.begin(), unexpected.end());
  std::string text = concat(description(), ": the tensors do not fit the model");
  append_list(text, "missing", missing_);
  append_list(text, "of another shape", misshapen_);
  append_list(text, "unexpected", unexpected);
  throw FormatError(text);
}

}  // namespace radial::video
