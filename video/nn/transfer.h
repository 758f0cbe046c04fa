#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace radial::video {

/// `host`, a tensor on the CPU, on `device`, without waiting for what the device has still to do:
/// through page-locked memory, in the order of the current stream. A training step that waited at
/// every small tensor would leave the device idle.
at::Tensor sent_to(const at::Tensor& host, at::Device device);

}  // namespace radial::video
