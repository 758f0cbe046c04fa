#include "video/checkpoint/json_text.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <vector>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::uintmax_t kMaxTextBytes = 64u << 20;
constexpr std::size_t kPrintedCharacters = 120;

// The parser keeps the last of two equal keys; a file that names a tensor twice is damaged.
class KeyCheck {
 public:
  explicit KeyCheck(const std::string& source) : source_(source) {}

  bool operator()(int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > kMaxDepth) throw FormatError(concat(source_, ": JSON nested too deeply"));
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      throw FormatError(
          concat(source_, ": key given twice: ", printable(parsed.get<std::string>())));
    }
    return true;
  }

 private:
  const std::string& source_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

nlohmann::json parse_json_object(std::string_view text, const std::string& source) {
  nlohmann::json parsed;
  try {
    // By reference: the parser copies the callback, and the state belongs to all copies.
    KeyCheck check(source);
    parsed = nlohmann::json::parse(text.begin(), text.end(), std::ref(check));
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(concat(source, ": no valid JSON: ", printable(error.what())));
  }
  if (!parsed.is_object()) throw FormatError(concat(source, ": JSON object expected"));
  return parsed;
}

std::string read_text_file(const std::string& path) {
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  if (problem) throw Error(concat(path, ": ", problem.message()));
  if (size > kMaxTextBytes) throw FormatError(concat(path, ": ", size, " bytes, too long"));
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) {
    throw Error(concat(path, ": cannot be read"));
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string result(text.substr(0, kPrintedCharacters));
  for (char& character : result) {
    const auto code = static_cast<unsigned char>(character);
    if (code < 0x20 || code == 0x7f) character = '?';
  }
  if (text.size() > kPrintedCharacters) result += "...";
  return result;
}

}  // namespace radial::video
