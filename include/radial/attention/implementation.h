#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "radial/base/export.h"
#include "radial/base/tensor_view.h"

namespace radial {

/// An implementation as listed to people and tests.
struct ImplementationInfo {
  std::string_view name;         ///< "cpu_avx512"
  std::string_view description;  ///< one line: algorithm and number types
  DeviceType device;
  bool available;           ///< can this machine run it
  std::string unavailable;  ///< why not, empty if it can
};

/// Every implementation built into the library, in order of preference.
RADIAL_API std::vector<ImplementationInfo> implementations();

}  // namespace radial
