#include <array>
#include <cstring>
#include <unordered_map>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"
#include "video/checkpoint/pickle_values.h"

namespace radial::video::pickle {
namespace {

using Kind = Value::Kind;

struct StorageClass {
  std::string_view name;
  ElementType type;
};

constexpr std::array<StorageClass, 10> kStorages{{{"torch FloatStorage", ElementType::kF32},
                                                  {"torch HalfStorage", ElementType::kF16},
                                                  {"torch BFloat16Storage", ElementType::kBF16},
                                                  {"torch DoubleStorage", ElementType::kF64},
                                                  {"torch LongStorage", ElementType::kI64},
                                                  {"torch IntStorage", ElementType::kI32},
                                                  {"torch ShortStorage", ElementType::kI16},
                                                  {"torch CharStorage", ElementType::kI8},
                                                  {"torch ByteStorage", ElementType::kU8},
                                                  {"torch BoolStorage", ElementType::kBool}}};

constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";

constexpr std::array<std::string_view, 3> kFunctions{kOrderedDict, kRebuildTensor,
                                                     kRebuildParameter};

constexpr std::size_t kMaxRank = 64;
// A value takes 200 bytes and its opcode one; programs of real files have some 100 bytes a tensor.
constexpr std::size_t kMaxProgramBytes = std::size_t{16} << 20;

const StorageClass* find_storage(std::string_view name) {
  for (const StorageClass& known : kStorages) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

// The name as it stands in the tables above; empty if it is in none.
std::string_view known_function(std::string_view name) {
  for (const std::string_view known : kFunctions) {
    if (known == name) return known;
  }
  const StorageClass* const storage = find_storage(name);
  return storage == nullptr ? std::string_view() : storage->name;
}

class Machine {
 public:
  Machine(std::string_view code, const std::string& source) : code_(code), source_(source) {}

  Result run() {
    while (!step(static_cast<unsigned char>(byte()))) {
    }
    result_.top = pop();
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw FormatError(concat(source_, ": pickle at byte ", at_, ": ", problem));
  }

  char byte() {
    if (at_ >= code_.size()) fail("cut off");
    return code_[at_++];
  }

  std::string_view bytes(std::uint64_t count) {
    if (count > code_.size() - at_) fail("cut off");
    const std::string_view part = code_.substr(at_, count);
    at_ += count;
    return part;
  }

  std::uint64_t number(int count) {
    const std::string_view part = bytes(static_cast<std::uint64_t>(count));
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(part[i])) << (8 * i);
    }
    return value;
  }

  std::string_view line() {
    const std::size_t end = code_.find('\n', at_);
    if (end == std::string_view::npos) fail("cut off");
    const std::string_view part = code_.substr(at_, end - at_);
    at_ = end + 1;
    return part;
  }

  Value* make(Kind kind) {
    Value& value = result_.values.emplace_back();
    value.kind = kind;
    return &value;
  }

  void push(Value* value) { stack_.push_back(value); }

  void push_number(std::int64_t number, bool is_whole = true) {
    Value* const value = make(Kind::kNumber);
    value->number = number;
    value->is_whole = is_whole;
    push(value);
  }

  void push_text(std::string_view text) {
    Value* const value = make(Kind::kText);
    value->text = text;
    push(value);
  }

  Value* pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("takes more than there is");
    Value* const value = stack_.back();
    stack_.pop_back();
    return value;
  }

  Value* top(Kind kind, const char* what) {
    if (stack_.empty() || stack_.back()->kind != kind) fail(concat("expected ", what));
    return stack_.back();
  }

  std::vector<Value*> pop_to_mark() {
    if (marks_.empty()) fail("no mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Value*> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push_sequence(std::vector<Value*> items) {
    Value* const value = make(Kind::kSequence);
    value->items = std::move(items);
    push(value);
  }

  void push_tuple(int count) {
    std::vector<Value*> items(static_cast<std::size_t>(count));
    for (std::size_t i = items.size(); i-- > 0;) items[i] = pop();
    push_sequence(std::move(items));
  }

  void push_function() {
    const std::string_view module = line();
    const std::string name = concat(module, " ", line());
    const std::string_view known = known_function(name);
    if (known.empty()) {
      fail(concat("refused: it calls ", printable(name), ", which no plain tensor needs"));
    }
    Value* const value = make(Kind::kFunction);
    value->text = known;
    push(value);
  }

  void set_items(const std::vector<Value*>& items) {
    if (items.size() % 2 != 0) fail("key without a value");
    Value* const dictionary = top(Kind::kDictionary, "a dictionary");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      dictionary->entries.emplace_back(items[i], items[i + 1]);
    }
  }

  void append_items(const std::vector<Value*>& items) {
    Value* const list = top(Kind::kSequence, "a list");
    list->items.insert(list->items.end(), items.begin(), items.end());
  }

  std::int64_t whole(const Value* value) const {
    if (value->kind != Kind::kNumber || !value->is_whole) fail("expected a whole number");
    return value->number;
  }

  std::vector<std::int64_t> whole_numbers(const Value* value) const {
    if (value->kind != Kind::kSequence) fail("expected sizes");
    if (value->items.size() > kMaxRank) fail(concat("more than ", kMaxRank, " sizes"));
    std::vector<std::int64_t> numbers;
    for (const Value* item : value->items) numbers.push_back(whole(item));
    return numbers;
  }

  // ("storage", class, key, device, number of elements)
  void push_storage() {
    const Value* const id = pop();
    if (id->kind != Kind::kSequence || id->items.size() != 5 || id->items[0]->text != "storage" ||
        id->items[1]->kind != Kind::kFunction || id->items[2]->kind != Kind::kText) {
      fail("expected the name of a storage");
    }
    const StorageClass* const known = find_storage(id->items[1]->text);
    if (known == nullptr) fail("expected a class of storages");
    Value* const storage = make(Kind::kStorage);
    storage->type = known->type;
    storage->text = id->items[2]->text;
    push(storage);
  }

  void call() {
    const Value* const arguments = pop();
    const Value* const function = pop();
    if (function->kind != Kind::kFunction || arguments->kind != Kind::kSequence) {
      fail("calls what is no function");
    }
    const std::vector<Value*>& items = arguments->items;
    if (function->text == kOrderedDict && items.empty()) {
      push(make(Kind::kDictionary));
    } else if (function->text == kRebuildParameter && !items.empty() &&
               items[0]->kind == Kind::kTensor) {
      push(items[0]);
    } else if (function->text == kRebuildTensor && items.size() >= 4 &&
               items[0]->kind == Kind::kStorage) {
      Value* const tensor = make(Kind::kTensor);
      tensor->storage = items[0];
      tensor->offset = whole(items[1]);
      tensor->shape = whole_numbers(items[2]);
      tensor->strides = whole_numbers(items[3]);
      push(tensor);
    } else {
      fail(concat("refused: ", printable(function->text), " with these arguments"));
    }
  }

  // An attribute of a dictionary (`_metadata` of state dictionaries); no tensor depends on it.
  void set_state() {
    if (pop()->kind != Kind::kDictionary) fail("refused: state that is no dictionary");
    top(Kind::kDictionary, "a dictionary");
  }

  void remember(std::uint64_t index) {
    if (stack_.empty()) fail("nothing to remember");
    memory_[index] = stack_.back();
  }

  void recall(std::uint64_t index) {
    const auto found = memory_.find(index);
    if (found == memory_.end()) fail("recalls what it never remembered");
    push(found->second);
  }

  void push_long() {
    const int count = static_cast<int>(number(1));
    if (count > 8) fail("a number of more than 64 bits");
    std::uint64_t value = number(count);
    const bool is_negative = count > 0 && count < 8 && (value >> (8 * count - 1)) != 0;
    if (is_negative) value |= ~std::uint64_t{0} << (8 * count);
    push_number(static_cast<std::int64_t>(value));
  }

  bool step_value(unsigned char code);
  bool step_structure(unsigned char code);
  bool step(unsigned char code);

  std::string_view code_;
  const std::string& source_;
  std::size_t at_ = 0;
  std::vector<Value*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value*> memory_;
  Result result_;
};

// Opcodes that push a plain value (names of Python's pickletools in the comments).
bool Machine::step_value(unsigned char code) {
  switch (code) {
    case 'N':  // NONE
      push(make(Kind::kNone));
      return true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      push_number(code == 0x88 ? 1 : 0);
      return true;
    case 'J':  // BININT
      push_number(static_cast<std::int32_t>(number(4)));
      return true;
    case 'K':  // BININT1
      push_number(static_cast<std::int64_t>(number(1)));
      return true;
    case 'M':  // BININT2
      push_number(static_cast<std::int64_t>(number(2)));
      return true;
    case 0x8a:  // LONG1
      push_long();
      return true;
    case 'G':  // BINFLOAT
      bytes(8);
      push_number(0, false);
      return true;
    case 'X':  // BINUNICODE
      push_text(bytes(number(4)));
      return true;
    case 0x8c:  // SHORT_BINUNICODE
      push_text(bytes(number(1)));
      return true;
    case 'c':  // GLOBAL
      push_function();
      return true;
    default:
      return false;
  }
}

// Opcodes that put values together.
bool Machine::step_structure(unsigned char code) {
  switch (code) {
    case '(':  // MARK
      marks_.push_back(stack_.size());
      return true;
    case '}':  // EMPTY_DICT
      push(make(Kind::kDictionary));
      return true;
    case ')':  // EMPTY_TUPLE
    case ']':  // EMPTY_LIST
      push_sequence({});
      return true;
    case 't':  // TUPLE
    case 'l':  // LIST
      push_sequence(pop_to_mark());
      return true;
    case 0x85:  // TUPLE1, TUPLE2, TUPLE3
    case 0x86:
    case 0x87:
      push_tuple(code - 0x84);
      return true;
    case 'a': {  // APPEND
      Value* const item = pop();
      append_items({item});
      return true;
    }
    case 'e':  // APPENDS
      append_items(pop_to_mark());
      return true;
    case 's': {  // SETITEM
      Value* const value = pop();
      Value* const key = pop();
      set_items({key, value});
      return true;
    }
    case 'u':  // SETITEMS
      set_items(pop_to_mark());
      return true;
    case 'R':  // REDUCE
      call();
      return true;
    case 'b':  // BUILD
      set_state();
      return true;
    case 'Q':  // BINPERSID
      push_storage();
      return true;
    default:
      return false;
  }
}

// Returns whether the program ended.
bool Machine::step(unsigned char code) {
  if (step_value(code) || step_structure(code)) return false;
  switch (code) {
    case 0x80:  // PROTO
      number(1);
      return false;
    case 'q':  // BINPUT
      remember(number(1));
      return false;
    case 'r':  // LONG_BINPUT
      remember(number(4));
      return false;
    case 0x94:  // MEMOIZE
      remember(memory_.size());
      return false;
    case 'h':  // BINGET
      recall(number(1));
      return false;
    case 'j':  // LONG_BINGET
      recall(number(4));
      return false;
    case '.':  // STOP
      return true;
    default:
      fail(concat("refused: opcode ", static_cast<int>(code)));
  }
}

}  // namespace

Result evaluate(std::string_view code, const std::string& source) {
  if (code.size() > kMaxProgramBytes) {
    throw FormatError(concat(source, ": a pickle of ", code.size(), " bytes, expected at most ",
                             kMaxProgramBytes));
  }
  return Machine(code, source).run();
}

}  // namespace radial::video::pickle
