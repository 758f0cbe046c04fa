#pragma once

#include <string_view>

#include "support/problem.h"

namespace radial::testing {

/// A problem of any kind that the implementation takes, all of it chosen by the seed: element type,
/// head dim, block, a random plan or the mask of a random layout and rule, heads and their
/// patterns, batch, memory order, ragged sizes, text lengths, scale and kind of inputs.
Problem any_problem(std::uint64_t seed, std::string_view implementation);

}  // namespace radial::testing
