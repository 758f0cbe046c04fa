#include "video/checkpoint/pickle_file.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"
#include "video/checkpoint/pickle_values.h"
#include "video/checkpoint/zip_archive.h"

namespace radial::video {
namespace {

using pickle::Value;
using Members = std::map<std::string, std::span<const std::byte>>;

constexpr std::string_view kProgram = "/data.pkl";
// Tensors may share a storage (tied weights); a file whose tensors are many times its own size is
// made to exhaust the memory.
constexpr std::uint64_t kMostSharing = 8;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The folder inside the archive, known by the program that it holds.
std::string root_of(const Members& members, const std::string& source) {
  for (const auto& [name, bytes] : members) {
    if (name.ends_with(kProgram)) return name.substr(0, name.size() - kProgram.size());
  }
  throw FormatError(concat(source, ": a zip archive, but not one of torch.save (no data.pkl)"));
}

class TensorReader {
 public:
  TensorReader(const Members& members, std::string root, const std::string& source)
      : members_(members), root_(std::move(root)), source_(source) {}

  TensorData read(const std::string& name, const Value& tensor) const {
    const std::span<const std::byte> storage = storage_of(name, tensor);
    const ElementType type = tensor.storage->type;
    const std::uint64_t count = check_extent(name, tensor, storage.size() / size_of(type));
    TensorData data{name, type, tensor.shape, {}, nullptr};
    if (is_contiguous(tensor)) {
      data.bytes = storage.subspan(
          static_cast<std::uint64_t>(tensor.offset) * size_of(type) * (count == 0 ? 0 : 1),
          count * size_of(type));
    } else {
      const auto copy = std::make_shared<std::vector<std::byte>>(count * size_of(type));
      copy_strided(tensor, storage, *copy);
      data.bytes = *copy;
      data.owner = copy;
    }
    return data;
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& problem) const {
    throw FormatError(concat(source_, ": tensor ", printable(name), ": ", problem));
  }

  std::span<const std::byte> storage_of(const std::string& name, const Value& tensor) const {
    const auto found = members_.find(concat(root_, "/data/", tensor.storage->text));
    if (found == members_.end()) fail(name, "its data are missing");
    return found->second;
  }

  // Elements of the tensor; every one of them lies within the storage, and none is counted twice.
  std::uint64_t check_extent(const std::string& name, const Value& tensor,
                             std::uint64_t stored) const {
    if (tensor.shape.size() != tensor.strides.size()) fail(name, "sizes and strides differ");
    std::uint64_t count = 1;
    auto last = static_cast<std::uint64_t>(tensor.offset);
    bool is_empty = false;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      if (tensor.shape[i] < 0 || tensor.strides[i] < 0) fail(name, "a negative size or stride");
      const auto extent = static_cast<std::uint64_t>(tensor.shape[i]);
      is_empty = is_empty || extent == 0;
      std::uint64_t reach = 0;
      if (extent > 0 && (__builtin_mul_overflow(count, extent, &count) ||
                         __builtin_mul_overflow(
                             extent - 1, static_cast<std::uint64_t>(tensor.strides[i]), &reach) ||
                         __builtin_add_overflow(last, reach, &last))) {
        fail(name, "its sizes are too large");
      }
    }
    if (is_empty) return 0;
    if (tensor.offset < 0 || last >= stored || count > stored) {
      fail(name, concat("needs more than the ", stored, " elements that are stored"));
    }
    return count;
  }

  static bool is_contiguous(const Value& tensor) {
    std::int64_t expected = 1;
    for (std::size_t i = tensor.shape.size(); i-- > 0;) {
      if (tensor.shape[i] == 0) return true;
      if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
      expected *= tensor.shape[i];
    }
    return true;
  }

  static void copy_strided(const Value& tensor, std::span<const std::byte> storage,
                           std::vector<std::byte>& copy) {
    const std::size_t bytes = size_of(tensor.storage->type);
    std::vector<std::int64_t> index(tensor.shape.size(), 0);
    // Unsigned: the stride of an axis of one element may be any number, and cancels.
    auto element = static_cast<std::uint64_t>(tensor.offset);
    for (std::size_t at = 0; at < copy.size(); at += bytes) {
      std::memcpy(copy.data() + at, storage.data() + element * bytes, bytes);
      for (std::size_t axis = index.size(); axis-- > 0;) {
        element += static_cast<std::uint64_t>(tensor.strides[axis]);
        if (++index[axis] < tensor.shape[axis]) break;
        element -= static_cast<std::uint64_t>(tensor.strides[axis]) *
                   static_cast<std::uint64_t>(tensor.shape[axis]);
        index[axis] = 0;
      }
    }
  }

  const Members& members_;
  std::string root_;
  const std::string& source_;
};

// A state dictionary, or one that is the only value of another ("state_dict": {...}).
const Value& dictionary_of_tensors(const Value& top, const std::string& source) {
  const Value* value = &top;
  for (int depth = 0; depth < 2; ++depth) {
    if (value->kind != Value::Kind::kDictionary) break;
    if (value->entries.size() != 1 || value->entries[0].second->kind != Value::Kind::kDictionary) {
      return *value;
    }
    value = value->entries[0].second;
  }
  if (value->kind == Value::Kind::kDictionary) return *value;
  throw FormatError(concat(source, ": holds something other than a dictionary of tensors"));
}

}  // namespace

std::vector<TensorData> read_pickled_tensors(std::span<const std::byte> file,
                                             const std::string& source) {
  if (file.size() < 2 || text_of(file.first(2)) != "PK") {
    throw FormatError(concat(source, ": no file of torch.save since torch 1.6 (a zip archive)"));
  }
  const Members members = read_zip_members(file, source);
  const std::string root = root_of(members, source);
  const auto order = members.find(root + "/byteorder");
  if (order != members.end() && text_of(order->second) != "little") {
    throw FormatError(concat(source, ": written on a machine of another byte order"));
  }
  const pickle::Result result =
      pickle::evaluate(text_of(members.at(root + std::string(kProgram))), source);
  const TensorReader reader(members, root, source);
  std::vector<TensorData> tensors;
  std::set<std::string_view> names;
  std::uint64_t bytes = 0;
  for (const auto& [key, value] : dictionary_of_tensors(*result.top, source).entries) {
    if (key->kind != Value::Kind::kText || value->kind != Value::Kind::kTensor) {
      throw FormatError(concat(source, ": ", printable(key->text), ": is no tensor"));
    }
    if (!names.insert(key->text).second) {
      throw FormatError(concat(source, ": tensor ", printable(key->text), " is given twice"));
    }
    tensors.push_back(reader.read(std::string(key->text), *value));
    bytes += tensors.back().bytes.size();
    if (bytes > kMostSharing * file.size()) {
      throw FormatError(concat(source, ": its tensors are more than ", kMostSharing,
                               " times the size of the file"));
    }
  }
  return tensors;
}

std::vector<TensorData> read_pickle_file(const std::filesystem::path& path) {
  const std::shared_ptr<MappedFile> map = MappedFile::open(path);
  std::vector<TensorData> tensors = read_pickled_tensors(map->bytes(), path.string());
  for (TensorData& tensor : tensors) {
    if (!tensor.owner) tensor.owner = map;
  }
  return tensors;
}

}  // namespace radial::video
