#include "video/checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxRank = 64;
constexpr const char* kMetadataKey = "__metadata__";

std::uint64_t read_length(std::span<const std::byte> file, const std::string& source) {
  if (file.size() < kLengthBytes) {
    throw FormatError(concat(source, ": no safetensors file: ", file.size(), " bytes"));
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  }
  if (length > kMaxHeaderBytes) {
    throw FormatError(concat(source, ": no safetensors file: header of ", length, " bytes"));
  }
  if (length > file.size() - kLengthBytes) {
    throw FormatError(
        concat(source, ": cut off: header of ", length, " bytes, file of ", file.size()));
  }
  return length;
}

std::uint64_t unsigned_number(const json& value, const std::string& where) {
  if (!value.is_number_unsigned()) {
    throw FormatError(
        concat(where, ": expected a number of at least 0, got ", printable(value.dump())));
  }
  return value.get<std::uint64_t>();
}

const json& field(const json& entry, const char* name, const std::string& where) {
  const auto found = entry.find(name);
  if (found == entry.end()) throw FormatError(concat(where, ": ", name, " is missing"));
  return *found;
}

ElementType read_type(const json& entry, const std::string& where) {
  const json& name = field(entry, "dtype", where);
  const std::optional<ElementType> type =
      name.is_string() ? parse_element_type(name.get<std::string>()) : std::nullopt;
  if (!type) {
    throw FormatError(concat(where, ": dtype must be one of ", element_type_names(), ", got ",
                             printable(name.dump())));
  }
  return *type;
}

std::vector<std::int64_t> read_shape(const json& entry, const std::string& where) {
  const json& list = field(entry, "shape", where);
  if (!list.is_array() || list.size() > kMaxRank) {
    throw FormatError(concat(where, ": shape must be a list of at most ", kMaxRank, " numbers"));
  }
  std::vector<std::int64_t> shape;
  for (const json& extent : list) {
    const std::uint64_t value = unsigned_number(extent, where + ": shape");
    if (value > static_cast<std::uint64_t>(INT64_MAX)) {
      throw FormatError(concat(where, ": shape: ", value, " is too large"));
    }
    shape.push_back(static_cast<std::int64_t>(value));
  }
  return shape;
}

// Bytes of a tensor, or nothing if they exceed 63 bits. That holds for a tensor without elements
// too: its strides could not be counted.
std::optional<std::uint64_t> bytes_of(ElementType type, const std::vector<std::int64_t>& shape) {
  auto bytes = static_cast<std::int64_t>(size_of(type));
  bool is_empty = false;
  for (const std::int64_t extent : shape) {
    is_empty = is_empty || extent == 0;
    if (extent != 0 && __builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return is_empty ? 0 : static_cast<std::uint64_t>(bytes);
}

TensorEntry read_entry(const std::string& name, const json& value, std::uint64_t data_begin,
                       std::uint64_t data_bytes, const std::string& source) {
  const std::string where = concat(source, ": tensor ", printable(name));
  if (!value.is_object()) throw FormatError(concat(where, ": JSON object expected"));
  TensorEntry entry{name, read_type(value, where), read_shape(value, where), 0, 0};
  const json& offsets = field(value, "data_offsets", where);
  if (!offsets.is_array() || offsets.size() != 2) {
    throw FormatError(concat(where, ": data_offsets must be two numbers"));
  }
  const std::uint64_t begin = unsigned_number(offsets[0], where + ": data_offsets");
  const std::uint64_t end = unsigned_number(offsets[1], where + ": data_offsets");
  if (begin > end || end > data_bytes) {
    throw FormatError(
        concat(where, ": data_offsets ", begin, " to ", end, " in data of ", data_bytes, " bytes"));
  }
  const std::optional<std::uint64_t> expected = bytes_of(entry.type, entry.shape);
  if (expected != end - begin) {
    throw FormatError(
        concat(where, ": ", end - begin, " bytes, but its shape needs ",
               expected ? concat(*expected) : std::string("more than 63 bits can count")));
  }
  entry.begin = data_begin + begin;
  entry.bytes = end - begin;
  return entry;
}

std::map<std::string, std::string> read_metadata(const json& value, const std::string& source) {
  if (!value.is_object()) throw FormatError(concat(source, ": __metadata__ must be an object"));
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      throw FormatError(concat(source, ": __metadata__: ", printable(key), " must be a text"));
    }
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

void check_layout(const std::vector<TensorEntry>& tensors, std::uint64_t data_begin,
                  std::uint64_t file_bytes, const std::string& source) {
  std::uint64_t expected = data_begin;
  for (const TensorEntry& entry : tensors) {
    if (entry.begin != expected) {
      throw FormatError(concat(source, ": tensor ", printable(entry.name),
                               entry.begin < expected ? ": overlaps the tensor before it"
                                                      : ": bytes before it belong to no tensor"));
    }
    expected = entry.begin + entry.bytes;
  }
  if (expected != file_bytes) {
    throw FormatError(
        concat(source, ": ", file_bytes - expected, " bytes at the end belong to no tensor"));
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           const std::string& source) {
  const std::uint64_t length = read_length(file, source);
  const std::uint64_t data_begin = kLengthBytes + length;
  const json parsed = parse_json_object(
      std::string_view(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length), source);
  SafetensorsHeader header;
  for (const auto& [name, value] : parsed.items()) {
    if (name == kMetadataKey) {
      header.metadata = read_metadata(value, source);
    } else {
      header.tensors.push_back(
          read_entry(name, value, data_begin, file.size() - data_begin, source));
    }
  }
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorEntry& left, const TensorEntry& right) {
              return std::tie(left.begin, left.bytes) < std::tie(right.begin, right.bytes);
            });
  check_layout(header.tensors, data_begin, file.size(), source);
  return header;
}

SafetensorsFile::SafetensorsFile(std::shared_ptr<MappedFile> map, SafetensorsHeader header)
    : map_(std::move(map)), header_(std::move(header)) {
  for (std::size_t i = 0; i < header_.tensors.size(); ++i) index_[header_.tensors[i].name] = i;
}

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  std::shared_ptr<MappedFile> map = MappedFile::open(path);
  SafetensorsHeader header = parse_safetensors_header(map->bytes(), path.string());
  return std::shared_ptr<const SafetensorsFile>(
      new SafetensorsFile(std::move(map), std::move(header)));
}

const TensorEntry* SafetensorsFile::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &header_.tensors[found->second];
}

}  // namespace radial::video
