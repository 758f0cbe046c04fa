#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "radial/base/error.h"

namespace radial::testing {

/// Expects `body` to throw InvalidArgument with one line that contains every part of `parts`.
template <typename Body>
void expect_refused(Body&& body, std::initializer_list<std::string_view> parts) {
  try {
    body();
    ADD_FAILURE() << "expected InvalidArgument, nothing was thrown";
  } catch (const InvalidArgument& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    for (const std::string_view part : parts) {
      EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in: " << text;
    }
  }
}

}  // namespace radial::testing
