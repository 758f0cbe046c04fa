#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "video/nn/graph_recorder.h"

namespace radial::video {

/// A function of tensors whose sizes stay the same: the first call runs it, the second records it,
/// that one and all later ones replay the recording. The results are the same bit for bit.
///
/// Everything else the function uses must stay where it is as long as this object lives.
class RecordedCall {
 public:
  using Function = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;

  RecordedCall(Function function, GraphRecorder& recorder)
      : function_(std::move(function)), recorder_(&recorder) {}

  /// The result, in memory of its own. Throws Unsupported if the function cannot be recorded; and
  /// InvalidArgument if an input has another size or type than before.
  at::Tensor operator()(const std::vector<at::Tensor>& inputs);

 private:
  void take(const std::vector<at::Tensor>& inputs);

  Function function_;
  GraphRecorder* recorder_;
  std::vector<at::Tensor> inputs_;  // where the recording reads
  at::Tensor output_;               // where it writes
  std::unique_ptr<DeviceGraph> graph_;
};

}  // namespace radial::video
