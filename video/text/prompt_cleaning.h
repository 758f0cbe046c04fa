#pragma once

#include <string>
#include <string_view>

namespace radial::video {

/// A prompt as Wan's text encoder was trained to see it: what ftfy's fix_text, html.unescape
/// (twice) and the collapsing of white space do in the official code and in diffusers. Curly quotes
/// become straight, full-width forms narrow, ligatures letters; control characters and terminal
/// escapes go.
///
/// Left out of fix_text: the repair of text decoded by the wrong code page, and the composition of
/// characters (NFC), which the tokenizer's own normalisation does.
std::string clean_prompt(std::string_view prompt);

}  // namespace radial::video
