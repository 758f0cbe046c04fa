#pragma once

#include <string_view>
#include <vector>

#include "attention/params.h"

namespace radial {

/// Every implementation in the library, in order of preference.
const std::vector<Implementation>& implementation_list();

/// The implementation to run `problem` with: the one called `asked` (or, if that is empty, the one
/// RADIAL_IMPLEMENTATION names), else the first of the device that can. Throws InvalidArgument on
/// an unknown name, Unsupported with every candidate's reason if none can.
const Implementation& select_implementation(const AttentionProblem& problem,
                                            std::string_view asked);

}  // namespace radial
