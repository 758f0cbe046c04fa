#pragma once

#include <string>

#include "input.h"
#include "radial/base/error.h"

namespace radial::testing {

/// Calls `read`, which takes bytes from outside: it may only return or throw FormatError (with one
/// line); anything else ends the run. Returns whether it returned.
template <typename Read>
bool reads(const Read& read) {
  try {
    read();
    return true;
  } catch (const FormatError& error) {
    const std::string text = error.what();
    RADIAL_HOLDS(!text.empty());
    // No byte of the input may reach a terminal as a control character or as a second line.
    for (const char character : text) RADIAL_HOLDS(static_cast<unsigned char>(character) >= 0x20);
    return false;
  }
}

}  // namespace radial::testing
