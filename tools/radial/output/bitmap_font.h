#pragma once

namespace radial::tools {

// A font of 5 x 9 pixels for printable ASCII, so that pictures can be labelled without a library.
inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 9;   ///< 7 above the line, 2 below
inline constexpr int kGlyphAdvance = 6;  ///< from one character to the next

/// Whether the pixel of `character` at (row, column) is ink; what is not printable ASCII looks like
/// a question mark.
bool glyph_pixel(char character, int row, int column);

}  // namespace radial::tools
