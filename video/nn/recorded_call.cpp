#include "video/nn/recorded_call.h"

#include <utility>

#include "radial/base/error.h"

namespace radial::video {

void RecordedCall::take(const std::vector<at::Tensor>& inputs) {
  RADIAL_REQUIRE(inputs.size() == inputs_.size(), "recorded call: expected ", inputs_.size(),
                 " inputs, got ", inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    RADIAL_REQUIRE(inputs[i].sizes() == inputs_[i].sizes() &&
                       inputs[i].scalar_type() == inputs_[i].scalar_type(),
                   "recorded call: expected ", inputs_[i].sizes(), " of ", inputs_[i].scalar_type(),
                   ", got ", inputs[i].sizes(), " of ", inputs[i].scalar_type());
    inputs_[i].copy_(inputs[i]);
  }
}

at::Tensor RecordedCall::operator()(const std::vector<at::Tensor>& inputs) {
  if (inputs_.empty()) {
    for (const at::Tensor& input : inputs) inputs_.push_back(input.clone());
    at::Tensor output;
    recorder_->run([&] { output = function_(inputs_); });
    return output.clone();
  }
  take(inputs);
  if (!graph_) graph_ = recorder_->record([&] { output_ = function_(inputs_); });
  graph_->replay();
  return output_.clone();  // the next replay writes there
}

}  // namespace radial::video
