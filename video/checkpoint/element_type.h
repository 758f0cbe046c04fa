#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace radial::video {

/// Element types of stored tensors, those of the safetensors format.
enum class ElementType {
  kBool,
  kU8,
  kI8,
  kI16,
  kI32,
  kI64,
  kF8E4M3,
  kF8E5M2,
  kF16,
  kBF16,
  kF32,
  kF64,
};

/// Bytes of one element.
std::size_t size_of(ElementType type);

/// The format's name: "F32", "BF16", ...
std::string_view name_of(ElementType type);

/// The type of that name, or nothing.
std::optional<ElementType> parse_element_type(std::string_view name);

/// Every name, for messages: "BOOL, U8, ...".
std::string_view element_type_names();

}  // namespace radial::video
