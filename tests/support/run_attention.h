#pragma once

#include <string_view>
#include <vector>

#include "support/far_tensor.h"

namespace radial::testing {

/// What the calls made, on the host.
struct Results {
  HostTensor out;
  std::vector<double> lse;  // [B, H, Sq]
  HostTensor dq, dk, dv;
};

/// How the calls are made.
struct Manner {
  int num_threads = 2;
  Far far = Far::kNone;  ///< of q, k, v, dout and the results
  bool graph = false;    ///< CUDA: captured in a graph, replayed over poisoned results
};

/// Forward, then backward from its results, by the implementation of that name. Outputs hold NaN
/// before, so do workspaces (on the CPU those of odd seeds, the others leave it to the library);
/// they lie in memory with gaps, which must keep their bytes. Throws ShortOfMemory for far tensors.
Results run_attention(const Problem& problem, std::string_view implementation,
                      const Manner& manner = {});

/// Does the implementation of that name run on a GPU?
bool runs_on_cuda(std::string_view implementation);

/// The implementations of which this machine can run the contract, by name.
std::vector<std::string> contract_implementations();

/// The head dims and the blocks that an implementation takes in an element type.
std::vector<std::int32_t> head_dims_of(std::string_view implementation, DType dtype);
std::vector<std::int32_t> block_sizes_of(std::string_view implementation, DType dtype);

}  // namespace radial::testing
