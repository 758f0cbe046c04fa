#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "video/checkpoint/element_type.h"

namespace radial::video::pickle {

/// A value that a pickle program builds. All values of a program live in one list and refer to each
/// other by pointer, so that no depth of nesting can exhaust the stack; texts are views of the
/// program, so that no repetition of one can exhaust the memory.
struct Value {
  enum class Kind { kNone, kNumber, kText, kSequence, kDictionary, kFunction, kStorage, kTensor };

  Kind kind = Kind::kNone;
  std::int64_t number = 0;    // kNumber (booleans too)
  bool is_whole = true;       // kNumber: not a float
  std::string_view text;      // kText; kFunction: "module name"; kStorage: key of its member
  std::vector<Value*> items;  // kSequence
  std::vector<std::pair<Value*, Value*>> entries;  // kDictionary
  ElementType type = ElementType::kF32;            // kStorage
  Value* storage = nullptr;                        // kTensor
  std::int64_t offset = 0;                         // kTensor, in elements
  std::vector<std::int64_t> shape, strides;        // kTensor, in elements
};

/// What a program leaves: its result among its values.
struct Result {
  std::deque<Value> values;
  Value* top = nullptr;
};

/// Runs the program `code` as far as it builds values; see read_pickled_tensors. The values point
/// into `code`.
Result evaluate(std::string_view code, const std::string& source);

}  // namespace radial::video::pickle
