#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace radial::video {

// The one table of phrases that captions are made of and read by.

enum class Topic { kShape, kColor, kMotion, kCamera, kGround, kSky, kNumber };

enum class Form {
  kPlain,      ///< "ball", "pan to the left"
  kFinite,     ///< "moves to the left"
  kParticiple  ///< "moving to the left"
};

/// Words that say one thing.
struct Phrase {
  Topic topic;
  int value;  ///< of the topic's enumeration; of kNumber the number
  Form form;
  std::string_view lead;  ///< what usually stands before it: words without a meaning
  std::string text;       ///< lower case, words separated by one space
};

/// All of them; the first of a topic, value and form is the plain one.
const std::vector<Phrase>& caption_phrases();

/// Words that hold a caption together and say nothing: articles, "while", "toy".
bool is_filler(std::string_view word);

}  // namespace radial::video
