#pragma once

#include "mask/query_view.h"
#include "output/bitmap_font.h"
#include "output/image.h"

namespace radial::tools {

// Looks shared by the parts of the picture. Sizes in pixels.
inline constexpr Color kPaper{255, 255, 255};
inline constexpr Color kInk{31, 41, 51};
inline constexpr Color kFaintInk{98, 110, 122};
inline constexpr Color kFrameLine{190, 199, 208};

inline constexpr int kTextScale = 2;
inline constexpr int kLineHeight = 24;
inline constexpr int kCharacterWidth = kGlyphAdvance * kTextScale;
inline constexpr int kMargin = 24;

inline constexpr Color kKeptBlock{27, 77, 137};

constexpr Color color_of(Sight sight) {
  switch (sight) {
    case Sight::kOwn:
      return {235, 94, 11};
    case Sight::kMiddle:
      return {18, 56, 105};
    case Sight::kOthers:
      return {77, 136, 199};
    case Sight::kAlong:
      return {176, 207, 234};
    case Sight::kLost:
      return {201, 48, 134};
    case Sight::kUnseen:
      break;
  }
  return {235, 239, 243};
}

}  // namespace radial::tools
