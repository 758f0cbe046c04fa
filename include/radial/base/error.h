#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "radial/base/export.h"

namespace radial {

/// Base of every exception the library throws. `what()` is one line.
class RADIAL_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's fault: names the argument, what was expected and what came.
class RADIAL_API InvalidArgument : public Error {
 public:
  using Error::Error;
};

/// A valid request that no implementation can serve; lists each candidate and why it declined.
class RADIAL_API Unsupported : public Error {
 public:
  using Error::Error;
};

/// Bytes from outside (a file, a header) that do not mean what they should.
class RADIAL_API FormatError : public Error {
 public:
  using Error::Error;
};

/// A CUDA call failed: the call, its code and its text.
class RADIAL_API CudaError : public Error {
 public:
  using Error::Error;
};

/// Text of all `parts`, streamed one after the other.
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace radial

/// Throws InvalidArgument with the streamed message unless `condition` holds.
#define RADIAL_REQUIRE(condition, ...)                                \
  do {                                                                \
    if (!(condition)) {                                               \
      throw ::radial::InvalidArgument(::radial::concat(__VA_ARGS__)); \
    }                                                                 \
  } while (false)
