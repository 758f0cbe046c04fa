#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace radial::video {

using TensorFunction = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// function(inputs), of whose tensors none but the inputs is kept for the gradients: the backward
/// pass computes it again. It may lead to other tensors that want gradients, also inner ones of a
/// graph, if nothing else than this call uses that part of the graph; what it refers to must live
/// until then, and it must give the same again. Without gradients: function(inputs).
std::vector<at::Tensor> recomputed(const TensorFunction& function,
                                   const std::vector<at::Tensor>& inputs);

}  // namespace radial::video
