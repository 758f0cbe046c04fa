#include "video/checkpoint/element_type.h"

#include <array>

namespace radial::video {
namespace {

struct TypeFacts {
  ElementType type;
  std::string_view name;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr std::array<TypeFacts, 12> kTypes{{
    {ElementType::kBool, "BOOL", 1},
    {ElementType::kU8, "U8", 1},
    {ElementType::kI8, "I8", 1},
    {ElementType::kI16, "I16", 2},
    {ElementType::kI32, "I32", 4},
    {ElementType::kI64, "I64", 8},
    {ElementType::kF8E4M3, "F8_E4M3", 1},
    {ElementType::kF8E5M2, "F8_E5M2", 1},
    {ElementType::kF16, "F16", 2},
    {ElementType::kBF16, "BF16", 2},
    {ElementType::kF32, "F32", 4},
    {ElementType::kF64, "F64", 8},
}};

const TypeFacts& facts(ElementType type) { return kTypes[static_cast<std::size_t>(type)]; }

}  // namespace

std::size_t size_of(ElementType type) { return facts(type).bytes; }

std::string_view name_of(ElementType type) { return facts(type).name; }

std::optional<ElementType> parse_element_type(std::string_view name) {
  for (const TypeFacts& known : kTypes) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

std::string_view element_type_names() {
  return "BOOL, U8, I8, I16, I32, I64, F8_E4M3, F8_E5M2, F16, BF16, F32, F64";
}

}  // namespace radial::video
