#pragma once

#include <cstdint>

namespace radial::sm90 {

/// What decides whether tiles are cut along their keys.
struct ForwardWork {
  std::int64_t tiles;        // of 128 queries
  std::int64_t steps;        // of 128 keys, of all tiles
  std::int32_t longest_row;  // steps
  std::int32_t multiprocessors;
};

/// Thread blocks among which all steps are shared out evenly, cutting tiles where need be, if that
/// is expected to end sooner than whole tiles do; 0 if not.
std::int32_t blocks_that_cut(const ForwardWork& work);

}  // namespace radial::sm90
