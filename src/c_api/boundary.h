#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "radial/base/error.h"
#include "radial/radial.h"

namespace radial::c_api {

/// Keeps `message` for radial_last_error and returns `status`.
radial_status fail(radial_status status, const char* message) noexcept;

/// The status of the exception in flight; keeps its message. Call it in a catch block only.
radial_status status_of_exception() noexcept;

/// Runs `body`; no exception passes.
template <typename Body>
radial_status guarded(Body&& body) noexcept {
  try {
    body();
    return RADIAL_OK;
  } catch (...) {
    return status_of_exception();
  }
}

/// `*pointer`; throws InvalidArgument if it is null.
template <typename T>
T& required(T* pointer, std::string_view name) {
  RADIAL_REQUIRE(pointer != nullptr, name, ": expected memory, got a null pointer");
  return *pointer;
}

/// A copy of the caller's struct as this version knows it: fields that the caller was compiled
/// without keep their value in `defaults`; fields that we do not know must be zero.
/// `first_size`: the size that the struct had in ABI version 1.
template <typename Struct>
Struct read_struct(const Struct* given, std::string_view name, Struct defaults,
                   std::size_t first_size) {
  static_assert(std::is_trivially_copyable_v<Struct>);
  const std::size_t size = required(given, name).struct_size;
  RADIAL_REQUIRE(size >= first_size && size <= 4096, name, ".struct_size: expected at least ",
                 first_size, " (use the _init function), got ", size);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof(Struct); i < size; ++i) {
    RADIAL_REQUIRE(bytes[i] == 0, name, ": has a field set that ABI version ", RADIAL_ABI_VERSION,
                   " of the library does not know");
  }
  std::memcpy(&defaults, given, std::min(size, sizeof(Struct)));
  defaults.struct_size = sizeof(Struct);
  return defaults;
}

/// Throws unless `given` can be written to; for use before any work.
template <typename Struct>
void check_writable(const Struct* given, std::string_view name, std::size_t first_size) {
  const std::size_t size = required(given, name).struct_size;
  RADIAL_REQUIRE(size >= first_size && size <= 4096, name, ".struct_size: expected at least ",
                 first_size, " (use the _init function), got ", size);
}

/// Gives the caller as much of `value` as its struct holds, and zero where that is longer than
/// ours.
template <typename Struct>
void write_struct(Struct* given, Struct value) {
  const std::size_t size = given->struct_size;
  auto* const bytes = reinterpret_cast<unsigned char*>(given);
  value.struct_size = size;
  std::memcpy(bytes, &value, std::min(size, sizeof(Struct)));
  if (size > sizeof(Struct)) std::memset(bytes + sizeof(Struct), 0, size - sizeof(Struct));
}

}  // namespace radial::c_api
