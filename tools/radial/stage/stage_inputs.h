#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace radial::tools {

/// The tensors of the file given as `--inputs`.
class StageInputs {
 public:
  /// Throws InvalidArgument if no file was named.
  explicit StageInputs(const std::string& path, std::string option = "--inputs");
  /// Throws InvalidArgument that lists what the file has if it lacks `name`.
  at::Tensor operator[](const std::string& name) const;

 private:
  std::string option_;
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace radial::tools
