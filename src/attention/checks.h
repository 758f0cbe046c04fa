#pragma once

#include "attention/params.h"

namespace radial {

/// The arguments of the public entry points, checked once and turned into what implementations see.
/// Each throws InvalidArgument that names the argument, what was expected and what came.
ForwardParams checked_params(const BlockPlan& plan, const ForwardArgs& args,
                             const RunOptions& options);
BackwardParams checked_params(const BlockPlan& plan, const BackwardArgs& args,
                              const RunOptions& options);
void check_merge(const MergeArgs& args);

/// Batch, token and head strides of a view.
template <typename Pointer>
Strides strides_of(const BasicTensorView<Pointer>& view) {
  return {view.strides[0], view.strides[1], view.strides[2]};
}

}  // namespace radial
