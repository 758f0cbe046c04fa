#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace radial::video {

/// What the temporal layers of a network keep of the frames gone by, so that a video can be passed
/// through in chunks with the result of one pass. Layers take their slots in the order they run;
/// `rewind` before each chunk. A slot that is not defined means: no frame has gone by.
class FrameCache {
 public:
  at::Tensor& next_slot() {
    if (next_ == slots_.size()) slots_.emplace_back();
    return slots_[next_++];
  }
  void rewind() { next_ = 0; }

 private:
  std::vector<at::Tensor> slots_;
  std::size_t next_ = 0;
};

}  // namespace radial::video
