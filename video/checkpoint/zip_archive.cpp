#include "video/checkpoint/zip_archive.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

using Bytes = std::span<const std::byte>;

// Sizes and signatures of the zip format (PKWARE APPNOTE 4.3).
constexpr std::uint64_t kEndBytes = 22, kEndSignature = 0x06054b50;
constexpr std::uint64_t kLocatorBytes = 20, kLocatorSignature = 0x07064b50;
constexpr std::uint64_t kEnd64Bytes = 56, kEnd64Signature = 0x06064b50;
constexpr std::uint64_t kEntryBytes = 46, kEntrySignature = 0x02014b50;
constexpr std::uint64_t kLocalBytes = 30, kLocalSignature = 0x04034b50;
constexpr std::uint64_t kMaxComment = 0xffff;
constexpr std::uint64_t kIn64Bits = 0xffffffff;  // "see the zip64 field"
constexpr std::uint64_t kZip64Field = 1;

class Reader {
 public:
  Reader(Bytes file, const std::string& source) : file_(file), source_(source) {}

  std::uint64_t number(std::uint64_t at, int bytes) const {
    const Bytes part = range(at, static_cast<std::uint64_t>(bytes));
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    return value;
  }

  Bytes range(std::uint64_t at, std::uint64_t bytes) const {
    if (at > file_.size() || bytes > file_.size() - at) fail("cut off or damaged");
    return file_.subspan(at, bytes);
  }

  std::uint64_t size() const { return file_.size(); }

  [[noreturn]] void fail(const std::string& problem) const {
    throw FormatError(concat(source_, ": zip archive: ", problem));
  }

 private:
  Bytes file_;
  const std::string& source_;
};

struct Directory {
  std::uint64_t begin;
  std::uint64_t count;
};

Directory find_directory(const Reader& file) {
  if (file.size() < kEndBytes) file.fail("too short");
  const std::uint64_t last = file.size() - kEndBytes;
  const std::uint64_t first = last - std::min(last, kMaxComment);
  for (std::uint64_t at = last + 1; at-- > first;) {
    if (file.number(at, 4) != kEndSignature) continue;
    if (at >= kLocatorBytes && file.number(at - kLocatorBytes, 4) == kLocatorSignature) {
      const std::uint64_t end64 = file.number(at - kLocatorBytes + 8, 8);
      if (file.size() < kEnd64Bytes || end64 > file.size() - kEnd64Bytes ||
          file.number(end64, 4) != kEnd64Signature) {
        file.fail("damaged zip64 directory");
      }
      return {file.number(end64 + 48, 8), file.number(end64 + 32, 8)};
    }
    return {file.number(at + 16, 4), file.number(at + 10, 2)};
  }
  file.fail("no directory at its end");
}

struct Entry {
  std::string name;
  std::uint64_t size, stored_size, local_begin;
  std::uint64_t next;  // where the next entry begins
};

// Replaces the values that did not fit in 32 bits by those of the zip64 field, in its order.
void read_zip64(const Reader& file, std::uint64_t at, std::uint64_t end, Entry& entry) {
  while (at + 4 <= end) {
    const std::uint64_t id = file.number(at, 2);
    const std::uint64_t bytes = file.number(at + 2, 2);
    at += 4;
    if (id == kZip64Field) {
      std::uint64_t value = at;
      for (std::uint64_t* field : {&entry.size, &entry.stored_size, &entry.local_begin}) {
        if (*field != kIn64Bits) continue;
        if (value + 8 > at + bytes) file.fail("damaged zip64 field");
        *field = file.number(value, 8);
        value += 8;
      }
    }
    at += bytes;
  }
}

Entry read_entry(const Reader& file, std::uint64_t at) {
  if (file.number(at, 4) != kEntrySignature) file.fail("damaged directory");
  const std::uint64_t name_bytes = file.number(at + 28, 2);
  const std::uint64_t extra_bytes = file.number(at + 30, 2);
  const std::uint64_t comment_bytes = file.number(at + 32, 2);
  const Bytes name = file.range(at + kEntryBytes, name_bytes);
  const std::uint64_t extra = at + kEntryBytes + name_bytes;
  Entry entry{std::string(reinterpret_cast<const char*>(name.data()), name.size()),
              file.number(at + 24, 4), file.number(at + 20, 4), file.number(at + 42, 4),
              extra + extra_bytes + comment_bytes};
  read_zip64(file, extra, extra + extra_bytes, entry);
  if (file.number(at + 10, 2) != 0 || entry.size != entry.stored_size) {
    file.fail(concat("member ", printable(entry.name), " is compressed"));
  }
  return entry;
}

Bytes data_of(const Reader& file, const Entry& entry) {
  file.range(entry.local_begin, kLocalBytes);
  if (file.number(entry.local_begin, 4) != kLocalSignature) file.fail("damaged member");
  const std::uint64_t skipped =
      kLocalBytes + file.number(entry.local_begin + 26, 2) + file.number(entry.local_begin + 28, 2);
  return file.range(entry.local_begin + skipped, entry.size);
}

}  // namespace

std::map<std::string, Bytes> read_zip_members(Bytes bytes, const std::string& source) {
  const Reader file(bytes, source);
  const Directory directory = find_directory(file);
  std::map<std::string, Bytes> members;
  std::uint64_t at = directory.begin;
  for (std::uint64_t index = 0; index < directory.count; ++index) {
    const Entry entry = read_entry(file, at);
    if (!members.emplace(entry.name, data_of(file, entry)).second) {
      file.fail(concat("member ", printable(entry.name), " stands there twice"));
    }
    at = entry.next;
  }
  return members;
}

}  // namespace radial::video
