#include "stage/stage_inputs.h"

#include <utility>

#include "options/option_values.h"
#include "video/checkpoint/checkpoint_source.h"

namespace radial::tools {

StageInputs::StageInputs(const std::string& path, std::string option) : option_(std::move(option)) {
  if (path.empty()) refuse(option_, "a safetensors file", "");
  tensors_ = video::load_tensors(path);
}

at::Tensor StageInputs::operator[](const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::string names;
  for (const auto& entry : tensors_) names += (names.empty() ? "" : ", ") + entry.first;
  refuse(option_, "a file with the tensor " + name, names);
}

}  // namespace radial::tools
