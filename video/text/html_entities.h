#pragma once

#include <string>

namespace radial::video {

/// Replaces HTML character references as Python's html.unescape does: numbers, names, and names of
/// the legacy set without their semicolon.
std::u32string unescape_html(const std::u32string& text);

/// Replaces only references that end with a semicolon, for text that may not be HTML at all.
std::u32string unescape_clear_html(const std::u32string& text);

/// Does several passes of `unescape_clear_html` at once: those that would do nothing but turn
/// references into an "&" that begins a further reference, as in "&amp;amp;amp;". Where a pass
/// would do anything else, `text` comes back as it is.
std::u32string shorten_ampersand_chains(const std::u32string& text);

/// What the Windows-1252 code page has in the place of a C1 control character (0x80 to 0x9F);
/// any other code as it is.
char32_t windows_1252_of(char32_t code);

}  // namespace radial::video
