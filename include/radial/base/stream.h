#pragma once

namespace radial {

/// A CUDA stream, opaque and non-owning (`cudaStream_t` behind a void pointer, so that no CUDA
/// header is needed here). Null means the default stream; the CPU ignores it.
struct Stream {
  void* handle = nullptr;
};

}  // namespace radial
