#include "video/text/html_entities.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "video/text/utf8.h"

namespace radial::video {
namespace {

constexpr std::size_t kLongestName = 32;
constexpr std::size_t kMostDigits = 8;  // more cannot be a code point

constexpr std::string_view kEntityTable =
#include "video/text/html_entities.inc"
    ;

using EntityMap = std::unordered_map<std::string_view, std::u32string>;

EntityMap read_table() {
  EntityMap entities;
  std::string_view rest = kEntityTable;
  while (!rest.empty()) {
    const std::size_t equals = rest.find('=');
    const std::size_t end = rest.find(' ');
    std::u32string value;
    for (const char* at = rest.data() + equals + 1; at < rest.data() + end;) {
      std::uint32_t code = 0;
      at = std::from_chars(at, rest.data() + end, code, 16).ptr + 1;  // past the comma
      value += code;
    }
    entities.emplace(rest.substr(0, equals), value);
    rest.remove_prefix(end + 1);
  }
  return entities;
}

const EntityMap& entities() {
  static const EntityMap table = read_table();
  return table;
}

bool is_name_end(char32_t code) {
  return code == '\t' || code == '\n' || code == '\f' || code == ' ' || code == '<' ||
         code == '&' || code == '#' || code == ';';
}

// A reference at a place of the text: what it stands for and how many characters it takes.
struct Reference {
  std::u32string value;
  std::size_t length;
};

bool is_forbidden(char32_t code) {
  return (code >= 0x1 && code <= 0x8) || code == 0xB || (code >= 0xE && code <= 0x1F) ||
         (code >= 0x7F && code <= 0x9F) || (code >= 0xFDD0 && code <= 0xFDEF) ||
         (code & 0xFFFE) == 0xFFFE;
}

std::u32string value_of_number(std::uint64_t number) {
  constexpr char32_t kReplacement = 0xFFFD;
  if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF)) {
    return {kReplacement};
  }
  const auto code = static_cast<char32_t>(number);
  if (code == 0x0D) return U"\r";
  if (code >= 0x80 && code <= 0x9F) return {windows_1252_of(code)};
  return is_forbidden(code) ? std::u32string() : std::u32string{code};
}

// A numeric reference at the start of `text`, which begins with "&#".
std::optional<Reference> numeric_reference(std::u32string_view text) {
  std::size_t at = 2;
  const bool is_hex = at < text.size() && (text[at] == 'x' || text[at] == 'X');
  if (is_hex) ++at;
  const std::size_t begin = at;
  std::uint64_t number = 0;
  for (; at < text.size() && text[at] < 0x80; ++at) {
    const char digit = static_cast<char>(text[at]);
    int value = 0;
    if (std::from_chars(&digit, &digit + 1, value, is_hex ? 16 : 10).ec != std::errc()) break;
    if (at - begin < 2 * kMostDigits) number = number * (is_hex ? 16 : 10) + value;
  }
  if (at == begin) return std::nullopt;
  const std::size_t has_semicolon = at < text.size() && text[at] == ';' ? 1 : 0;
  return Reference{value_of_number(number), at + has_semicolon};
}

// The ASCII name after "&", with its semicolon if it has one.
std::string name_at(std::u32string_view text) {
  std::string name;
  for (std::size_t at = 1; at < text.size() && name.size() < kLongestName; ++at) {
    if (is_name_end(text[at]) || text[at] >= 0x80) break;
    name += static_cast<char>(text[at]);
  }
  if (name.size() + 1 < text.size() && text[name.size() + 1] == ';') name += ';';
  return name;
}

std::optional<Reference> named_reference(std::u32string_view text, bool need_semicolon) {
  const std::string name = name_at(text);
  if (need_semicolon && !name.ends_with(';')) return std::nullopt;
  const std::size_t shortest = need_semicolon ? name.size() : 2;
  for (std::size_t length = name.size(); length >= shortest && length > 0; --length) {
    const auto found = entities().find(std::string_view(name).substr(0, length));
    if (found != entities().end()) return Reference{found->second, 1 + length};
  }
  return std::nullopt;
}

// A reference at the start of `text`, if there is one that `unescape` replaces.
std::optional<Reference> reference_at(std::u32string_view text, bool need_semicolon) {
  if (text.size() <= 2 || text[0] != '&') return std::nullopt;
  std::optional<Reference> found =
      text[1] == '#' ? numeric_reference(text) : named_reference(text, need_semicolon);
  if (found && need_semicolon && text[found->length - 1] != ';') return std::nullopt;
  return found;
}

std::u32string unescape(const std::u32string& text, bool need_semicolon) {
  std::u32string result;
  for (std::size_t at = 0; at < text.size();) {
    const auto found = reference_at(std::u32string_view(text).substr(at), need_semicolon);
    if (found) {
      result += found->value;
      at += found->length;
    } else {
      result += text[at++];
    }
  }
  return result;
}

// Where a reference to "&" ends that starts at `at`, then where that "&" with what follows it ends
// if it is another, and so on. Overwrites the semicolons of `text` on the way.
std::vector<std::size_t> ampersand_chain(std::u32string& text, std::size_t at) {
  std::vector<std::size_t> ends;
  while (true) {
    const auto found = reference_at(std::u32string_view(text).substr(at), true);
    if (!found || found->value != U"&") return ends;
    ends.push_back(at + found->length);
    at += found->length - 1;
    text[at] = U'&';
  }
}

}  // namespace

std::u32string unescape_html(const std::u32string& text) { return unescape(text, false); }

std::u32string unescape_clear_html(const std::u32string& text) { return unescape(text, true); }

std::u32string shorten_ampersand_chains(const std::u32string& text) {
  struct Chain {
    std::size_t begin;
    std::vector<std::size_t> ends;
  };
  std::vector<Chain> chains;
  std::u32string scratch = text;
  std::size_t shortest = text.size();
  for (std::size_t at = 0; at < text.size();) {
    if (!reference_at(std::u32string_view(scratch).substr(at), true)) {
      ++at;
      continue;
    }
    chains.push_back({at, ampersand_chain(scratch, at)});
    shortest = std::min(shortest, chains.back().ends.size());
    if (shortest < 2) return text;
    at = chains.back().ends.back();
  }
  if (chains.empty()) return text;
  std::u32string shortened;
  std::size_t copied = 0;
  for (const Chain& chain : chains) {
    shortened.append(text, copied, chain.begin - copied);
    shortened += U'&';
    copied = chain.ends[shortest - 2];
  }
  return shortened.append(text, copied);
}

char32_t windows_1252_of(char32_t code) {
  constexpr std::array<char32_t, 32> kCodes{
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  return code >= 0x80 && code <= 0x9F ? kCodes[code - 0x80] : code;
}

}  // namespace radial::video
