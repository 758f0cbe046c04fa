#include "video/text/prompt_cleaning.h"

#include <algorithm>
#include <array>
#include <utility>

#include "video/text/html_entities.h"
#include "video/text/utf8.h"

namespace radial::video {
namespace {

// White space as Python's str.strip and \s see it.
bool is_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 ||
         code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_removed_control(char32_t code) {
  return code <= 0x08 || code == 0x0B || (code >= 0x0E && code <= 0x1F) || code == 0x7F ||
         (code >= 0x206A && code <= 0x206F) || code == 0xFEFF || (code >= 0xFFF9 && code <= 0xFFFC);
}

std::u32string_view letters_of_ligature(char32_t code) {
  using Entry = std::pair<char32_t, std::u32string_view>;
  static constexpr std::array<Entry, 22> kLigatures{{
      {0x0132, U"IJ"},      {0x0133, U"ij"}, {0x0149, U"\u02BCn"}, {0x01F1, U"DZ"},
      {0x01F2, U"Dz"},      {0x01F3, U"dz"}, {0x01C4, U"D\u017D"}, {0x01C5, U"D\u017E"},
      {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"}, {0x01C8, U"Lj"},      {0x01C9, U"lj"},
      {0x01CA, U"NJ"},      {0x01CB, U"Nj"}, {0x01CC, U"nj"},      {0xFB00, U"ff"},
      {0xFB01, U"fi"},      {0xFB02, U"fl"}, {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
      {0xFB05, U"\u017Ft"}, {0xFB06, U"st"},
  }};
  for (const auto& [ligature, letters] : kLigatures) {
    if (ligature == code) return letters;
  }
  return {};
}

char32_t narrow(char32_t code) {
  if (code >= 0xFF01 && code <= 0xFF5E) return code - 0xFEE0;
  return code == 0x3000 ? U' ' : code;
}

char32_t straighten(char32_t code) {
  if (code == 0x02BC || (code >= 0x2018 && code <= 0x201B)) return U'\'';
  return code >= 0x201C && code <= 0x201F ? U'"' : code;
}

char32_t unify_line_break(char32_t code) {
  return code == '\r' || code == 0x2028 || code == 0x2029 || code == 0x85 ? U'\n' : code;
}

// Length of an escape sequence such as "\x1B[31;1m" at the start of `text`; 0 if there is none.
std::size_t terminal_escape(std::u32string_view text) {
  if (text.size() < 3 || text[0] != 0x1B || text[1] != '[') return 0;
  std::size_t at = 2;
  while (at < text.size() && ((text[at] >= '0' && text[at] <= '9') || text[at] == ';')) ++at;
  const bool has_letter = at < text.size() && ((text[at] >= 'a' && text[at] <= 'z') ||
                                               (text[at] >= 'A' && text[at] <= 'Z'));
  return has_letter ? at + 1 : 0;
}

// One pass of the character fixes over a line.
std::u32string fix_characters(std::u32string_view text) {
  std::u32string fixed;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const std::size_t length = terminal_escape(text.substr(at))) {
      at += length - 1;
      continue;
    }
    const char32_t code = windows_1252_of(text[at]);
    if (code == '\r' && at + 1 < text.size() && text[at + 1] == '\n') continue;
    const std::u32string_view letters = letters_of_ligature(code);
    for (const char32_t letter : letters.empty() ? std::u32string_view(&code, 1) : letters) {
      const char32_t plain = unify_line_break(straighten(narrow(letter)));
      if (!is_removed_control(plain)) fixed += plain;
    }
  }
  return fixed;
}

// Until nothing changes any more, as a reference may stand for another. Whether a "<" turns up on
// the way does not matter.
std::u32string fix_line(std::u32string line, bool may_be_html) {
  while (true) {
    std::u32string fixed = fix_characters(may_be_html ? unescape_clear_html(line) : line);
    if (fixed == line) return fixed;
    const bool references_alone = may_be_html && fix_characters(fixed) == fixed;
    line = references_alone ? shorten_ampersand_chains(fixed) : std::move(fixed);
  }
}

// References are resolved as long as no "<" has shown the text to be HTML on purpose.
std::u32string fix_text(const std::u32string& text) {
  std::u32string fixed;
  bool may_be_html = true;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(U'\n', begin), text.size() - 1) + 1;
    const std::u32string line = text.substr(begin, end - begin);
    may_be_html = may_be_html && line.find(U'<') == std::u32string::npos;
    fixed += fix_line(line, may_be_html);
    begin = end;
  }
  return fixed;
}

std::u32string collapse_spaces(const std::u32string& text) {
  std::u32string collapsed;
  for (const char32_t code : text) {
    if (!is_space(code)) {
      collapsed += code;
    } else if (!collapsed.empty() && collapsed.back() != U' ') {
      collapsed += U' ';
    }
  }
  if (!collapsed.empty() && collapsed.back() == U' ') collapsed.pop_back();
  return collapsed;
}

}  // namespace

std::string clean_prompt(std::string_view prompt) {
  const std::u32string fixed = fix_text(decode_utf8(prompt));
  return encode_utf8(collapse_spaces(unescape_html(unescape_html(fixed))));
}

}  // namespace radial::video
