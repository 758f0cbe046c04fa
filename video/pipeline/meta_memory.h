#pragma once

#include <c10/core/Allocator.h>
#include <torch/library.h>

#include <cstdint>
#include <memory>

namespace radial::video {

/// While it lives, tensors on the meta device are counted as if they had memory: a model whose
/// weights are on that device runs there in no time, and `peak()` is what its tensors would have
/// taken at once. Teaches the meta device the operators that the engine uses and torch's C++ does
/// not know there.
///
/// One at a time; tensors that other threads make on the meta device are counted, too.
class MetaMemory {
 public:
  MetaMemory();
  ~MetaMemory();
  MetaMemory(const MetaMemory&) = delete;
  MetaMemory& operator=(const MetaMemory&) = delete;

  std::uint64_t peak() const;  ///< bytes, of tensors made since the start

 private:
  class CountingAllocator;
  std::unique_ptr<CountingAllocator> counting_;
  c10::Allocator* before_;
  torch::Library operators_;
};

}  // namespace radial::video
