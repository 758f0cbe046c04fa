#pragma once

#include <string_view>
#include <vector>

#include "support/problem.h"

namespace radial::testing {

/// What the calls made, on the host.
struct Results {
  HostTensor out;
  std::vector<double> lse;  // [B, H, Sq]
  HostTensor dq, dk, dv;
};

/// Forward, then backward from its results, by the implementation of that name. Outputs lie in
/// memory with gaps, which must keep their bytes.
Results run_attention(const Problem& problem, std::string_view implementation, int num_threads = 2);

/// The implementations of which this machine can run the contract, by name.
std::vector<std::string> contract_implementations();

/// The head dims and the blocks that an implementation takes in an element type.
std::vector<std::int32_t> head_dims_of(std::string_view implementation, DType dtype);
std::vector<std::int32_t> block_sizes_of(std::string_view implementation, DType dtype);

}  // namespace radial::testing
