#pragma once

namespace radial {

/// Major and minor compute capability of the current device as one number (8.0 gives 80), 0 if
/// there is no usable GPU.
int compute_capability();

/// Multiprocessors of GPU `device`. Throws CudaError.
int multiprocessors_of(int device);

}  // namespace radial
