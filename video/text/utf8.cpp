#include "video/text/utf8.h"

#include <cstdint>

namespace radial::video {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_scalar(char32_t code) { return code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF); }

// Bytes of the character that begins with `lead`; 0 if none does.
std::size_t length_of(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// The character at the front of `text` and its length; length 0 if it is not valid.
std::pair<char32_t, std::size_t> first_character(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t length = length_of(lead);
  if (length == 1) return {lead, 1};
  if (length == 0 || text.size() < length) return {kReplacement, 0};
  char32_t code = lead & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return {kReplacement, 0};
    code = code << 6 | (byte & 0x3F);
  }
  const char32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  return code >= least && is_scalar(code) ? std::pair(code, length)
                                          : std::pair(kReplacement, std::size_t{0});
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string codes;
  codes.reserve(text.size());
  while (!text.empty()) {
    const auto [code, length] = first_character(text);
    codes += code;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return codes;
}

std::string encode_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  const auto tail = [&bytes](char32_t code, int shift) {
    bytes += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  for (char32_t code : text) {
    if (!is_scalar(code)) code = kReplacement;
    if (code < 0x80) {
      bytes += static_cast<char>(code);
    } else if (code < 0x800) {
      bytes += static_cast<char>(0xC0 | code >> 6);
      tail(code, 0);
    } else if (code < 0x10000) {
      bytes += static_cast<char>(0xE0 | code >> 12);
      tail(code, 6);
      tail(code, 0);
    } else {
      bytes += static_cast<char>(0xF0 | code >> 18);
      tail(code, 12);
      tail(code, 6);
      tail(code, 0);
    }
  }
  return bytes;
}

}  // namespace radial::video
