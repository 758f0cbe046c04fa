#include "support/run_on_cuda.h"

#include <stdexcept>

namespace radial::testing {

void run_on_cuda(const Problem&, const RunOptions&, const Manner&, Results&) {
  throw std::logic_error("built without CUDA, so there is no implementation for it");
}

}  // namespace radial::testing
