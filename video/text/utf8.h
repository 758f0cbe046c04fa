#pragma once

#include <string>
#include <string_view>

namespace radial::video {

/// Code points of a UTF-8 text; a byte that is no part of a valid character becomes U+FFFD.
std::u32string decode_utf8(std::string_view text);

/// UTF-8 of code points; surrogates and numbers beyond U+10FFFF become U+FFFD.
std::string encode_utf8(std::u32string_view text);

}  // namespace radial::video
